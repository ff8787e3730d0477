"""The control plane of a service: inspection, health and the dashboard, over its parts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fastapi import FastAPI

from windsock.app.group.overview import overview
from windsock.app.service import Service
from windsock.app.stored.history import (
    history_of,
    label_queue_of,
    table_finder,
)
from windsock.config.shared_settings import shared_settings
from windsock.config.shown import shown
from windsock.providers.transport import Caller
from windsock.service.control.access_check import Insight
from windsock.service.control.app import create_app
from windsock.service.control.cap_routes import cap_routes
from windsock.service.control.deployment_routes import deployment_routes
from windsock.service.control.event_routes import event_routes
from windsock.service.control.frontier.routes import frontier_routes
from windsock.service.control.gemini_models import gemini_model_routes
from windsock.service.control.history_routes import history_routes
from windsock.service.control.kept_answers.routes import KeptAnswers, kept_answer_routes
from windsock.service.control.labels.routes import label_routes
from windsock.service.control.learning_routes import learning_routes
from windsock.service.control.metrics import Metrics
from windsock.service.control.model_routes import model_routes
from windsock.service.control.overviews.routes import overview_routes
from windsock.service.control.overviews.shadows import shadow_routes
from windsock.service.control.page.routes import dashboard_routes
from windsock.service.control.prices.routes import price_routes
from windsock.service.control.prices.statements import statement_routes
from windsock.service.control.rehearsal.routes import Handover, rehearsal_routes
from windsock.service.control.replicas.routes import replica_routes
from windsock.service.control.reporting.spending import RecentSpending
from windsock.service.control.weights_routes import weights_routes
from windsock.service.gateway.admission import Limits
from windsock.service.tallies import Tallies
from windsock.store import queries
from windsock.store.codec import encode


def control_plane_of(service: Service, tallies: Tallies, limits: Limits, caller: Caller) -> FastAPI:
    """The application around every call that looks or administers."""
    router, clock, cache = service.router, service.clock, service.cache
    insight, past = _insight(service), history_of(service.engine)
    spending = RecentSpending(past.report, clock)
    service.readiness.is_admitting = lambda: service.access.are_keys_known
    return create_app(
        insight=insight,
        readiness=service.readiness,
        metrics=Metrics(router, clock, tallies, limits, service.tasks, service.ledger.stats,
                        service.uncalled, service.housekeeping.loop, service.webhooks,
                        cache.tally if cache else None),
        parts=[
            weights_routes(insight, spending),
            frontier_routes(insight),
            price_routes(insight),
            statement_routes(insight),
            model_routes(insight),
            kept_answer_routes(insight, _kept(service, caller)),
            gemini_model_routes(insight),
            deployment_routes(insight),
            learning_routes(insight),
            shadow_routes(insight, service.shadows.facts),
            replica_routes(insight, partial(overview, service)),
            label_routes(insight, past, label_queue_of(service, past)),
            cap_routes(insight, service.housekeeping.caps.raise_for_now),
            history_routes(insight, past, service.feedbacks.may_come),
            *overview_routes(
                insight,
                past,
                service.poller,
                keys=partial(queries.keys, service.engine),
                settings=lambda: shown(service.settings),
                judging=service.judges.facts,
                spending=spending,
            ),
            rehearsal_routes(insight, past, Handover(partial(_shared, service), encode)),
            event_routes(insight, partial(queries.newest_events, service.engine)),
            dashboard_routes(service.dashboard, service.access, clock),
        ],
        lifespan=service.lifespan,
    )  # fmt: skip


def _kept(service: Service, caller: Caller) -> KeptAnswers:
    return KeptAnswers(
        answered_by=service.feedbacks.answered_by, calls=service.executor.calls, caller=caller
    )


def _shared(service: Service, route: str) -> Mapping[str, Any]:
    return shared_settings(service.settings, route)


def _insight(service: Service) -> Insight:
    return Insight(
        router=service.router,
        clock=service.clock,
        access=service.access,
        events=service.events,
        approve=service.ingestion.rulings.approve,
        reject=service.ingestion.rulings.reject,
        nearest=service.ingestion.nearest,
        publish=service.ingestion.publish,
        keep=service.housekeeping.keep_snapshot,
        is_kept=service.housekeeping.is_kept,
        table_at=table_finder(service.engine),
        metrics=service.settings.server.metrics,
        docs=service.settings.server.docs,
    )
