"""Decisions, reports and quotes as the store holds them."""

from __future__ import annotations

import asyncio
from functools import partial

from sqlalchemy import Engine

from windsock.app.state_recovery import stored_decision
from windsock.core.model.rewards import OpenDecision
from windsock.evaluation.savings import savings_facts
from windsock.service.control.history_routes import History
from windsock.service.feedback_inbox import FindStored
from windsock.store import queries
from windsock.store.reports import accounts, health_by_step, report_by_step


def history_of(engine: Engine) -> History:
    """What the store holds, as control asks for it."""
    return History(
        decision=partial(queries.decision, engine),
        decisions=partial(queries.decisions, engine),
        sought=partial(queries.sought, engine),
        table=partial(queries.table, engine),
        feedback_of=partial(queries.feedback_of, engine),
        quotes=partial(queries.quotes, engine),
        report=partial(queries.report, engine),
        accounts=partial(accounts, engine),
        report_by_step=partial(report_by_step, engine),
        health_by_step=partial(health_by_step, engine),
        savings=partial(savings_facts, engine),
    )


def stored_finder(engine: Engine) -> FindStored:
    """Looks decisions up that are no longer at hand."""

    async def find(name: str, namespace: str) -> OpenDecision | None:
        return await asyncio.to_thread(stored_decision, engine, name, namespace)

    return find
