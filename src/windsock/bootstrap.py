"""The composition root: the only file that knows every adapter."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from windsock import log
from windsock.assembly import catalog_of, own_quotes, routes_of
from windsock.clock import Clock, SystemClock
from windsock.core.catalog import Catalog
from windsock.core.identity import Identity
from windsock.core.objective import Objective
from windsock.core.policy import PriceAware
from windsock.core.posterior import Beliefs, BeliefSettings
from windsock.core.prices import PriceBook
from windsock.core.records import Shift, WeightTable
from windsock.core.router import Router
from windsock.feeds.definition import FeedDefinition, load_feed
from windsock.feeds.fetching import Fetcher
from windsock.feeds.polling import Poller
from windsock.intake import Intake, log_shift
from windsock.service.access import Access
from windsock.service.app import Readiness, create_app
from windsock.service.events import EventBus
from windsock.service.insight import Insight, insight_routes
from windsock.service.metrics import Metrics, Tallies
from windsock.settings import Settings
from windsock.store.ledger import Ledger
