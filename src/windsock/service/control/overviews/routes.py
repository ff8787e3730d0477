"""The calls of the overviews, together."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter

from windsock.feeds.poller import Poller
from windsock.service.control.access_check import Insight
from windsock.service.control.history_routes import History
from windsock.service.control.overviews.aims import Shown, aim_routes
from windsock.service.control.overviews.evidence import Judging, evidence_routes
from windsock.service.control.overviews.feeds import feed_routes
from windsock.service.control.overviews.health_history import health_history_routes
from windsock.service.control.overviews.keys import Keys, key_routes
from windsock.service.control.overviews.requests import request_routes
from windsock.service.control.overviews.spend import spend_routes
from windsock.service.control.reporting.routes import report_routes
from windsock.service.control.reporting.spending import RecentSpending


def overview_routes(
    insight: Insight,
    past: History,
    poller: Poller,
    *,
    keys: Keys,
    settings: Shown,
    judging: Judging,
    spending: RecentSpending,
) -> Iterator[APIRouter]:
    """GET /v1/{routes,config,requests,evidence,feeds,keys,spend,report} and others."""
    yield aim_routes(insight, settings)
    yield request_routes(insight, past.sought)
    yield evidence_routes(insight, judging, spending)
    yield feed_routes(insight, poller)
    yield key_routes(insight, keys)
    yield spend_routes(insight, past)
    yield health_history_routes(insight, past)
    yield report_routes(insight, past)
