"""Decisions, reports and quotes as the store holds them."""

from __future__ import annotations

import asyncio
from functools import partial

from sqlalchemy import Engine

from windsock.app.service import Service
from windsock.app.state_recovery import stored_decision
from windsock.core.model.decisions import WeightTable
from windsock.core.model.rewards import OpenDecision
from windsock.evaluation.savings import savings_facts
from windsock.service.control.access_check import FindTable
from windsock.service.control.history_routes import History
from windsock.service.control.labels.queue import Queue
from windsock.service.feedback_inbox import FindStored
from windsock.store import queries
from windsock.store.compact.totals import requests_by_task
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
        requests_by_task=partial(requests_by_task, engine),
        health_by_step=partial(health_by_step, engine),
        savings=partial(savings_facts, engine),
    )


def label_queue_of(service: Service, past: History) -> Queue:
    """Answers to label, those whose label tells most first."""
    return Queue(
        texts=service.texts,
        feedbacks=service.feedbacks,
        feedback_of=past.feedback_of,
        is_label=service.router.operator.is_label,
    )


def table_finder(engine: Engine) -> FindTable:
    """Looks up the weights of a cell as they were."""

    async def find(namespace: str, route: str, task: str, at: float) -> WeightTable | None:
        return await asyncio.to_thread(queries.table_at, engine, namespace, route, task, at)

    return find


def stored_finder(engine: Engine) -> FindStored:
    """Looks decisions up that are no longer at hand."""

    async def find(name: str, namespace: str) -> OpenDecision | None:
        return await asyncio.to_thread(stored_decision, engine, name, namespace)

    return find
