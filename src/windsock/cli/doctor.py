"""`windsock doctor`: what stands well, what does not, and the mend."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlalchemy import Engine

from windsock.app.service import Service
from windsock.app.state_recovery import may_have_had_keys
from windsock.cli.prices.stored import scratch_service
from windsock.config.file import load, unset_variables, unset_words
from windsock.config.settings import Settings
from windsock.core.model.calls import CallKind
from windsock.core.model.ticks import Quote
from windsock.core.model.units import MAIN_METERS, to_float
from windsock.core.pricing.consensus.standing import PriceStatus
from windsock.core.resilience.error_rates import error_rise
from windsock.errors import ConfigError, FeedError, ProviderError, StoreError
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.fetcher import Fetcher, Validators
from windsock.feeds.reader_process import ReadingProcess
from windsock.providers.transport import Endpoint
from windsock.service.auth import open_door
from windsock.service.control.prices.wording import plain
from windsock.store.engine import open_engine, reading, sqlite_path
from windsock.store.migrations import HEAD, revision_of
from windsock.store.reports import attempts_report

TIMEOUT_S = 10.0

STORE = frozenset({"store"})
"""The table without whose variables nothing can be said."""

NO_STORE = "empty, made at the first start"

ERRORS_S = 3600.0
"""How far back calls that failed are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was looked at, how it stands, and the mend.

    is_unsure   it works, and a person may want to look: lists disagree, or one alone says a price
    """

    subject: str
    ok: bool
    text: str
    is_unsure: bool = False


def examine_file(config: Path | None, environ: Mapping[str, str]) -> list[Diagnosis]:
    """`examine` of a windsock.toml; a variable that it names and nobody has set is told first."""
    unset = unset_variables(config, environ)
    missing = [
        Diagnosis(subject="configuration", ok=False, text=unset_words(place, name))
        for place, name in unset.items()
    ]
    without = {place.split(".")[1] for place in unset if place.startswith("providers.")}
    return missing + examine(load(config, environ, needs=STORE), environ, without=without)


def examine(
    settings: Settings, environ: Mapping[str, str], *, without: Collection[str] = ()
) -> list[Diagnosis]:
    """Configuration, store, keys, feeds and prices, in the order in which to mend them.

    Nothing is written to the store: prices are judged in a scratch one.
    without     providers that are not asked, since what they need is not there
    """
    try:
        with scratch_service(settings, environ) as service:
            names = len(service.router.catalog.deployments)
            return [
                Diagnosis(subject="configuration", ok=True, text=f"{names} deployments"),
                _store(settings),
                *_door(settings),
                *asyncio.run(_reached(service, environ, without)),
                *_prices(service),
                *_errors(settings, service.clock.now()),
            ]
    except ConfigError as error:
        return [Diagnosis(subject="configuration", ok=False, text=str(error))]


@contextmanager
def _looking(settings: Settings) -> Iterator[Engine | None]:
    """The store, None if there is none yet: looking makes none; raises ConfigError, StoreError."""
    path = sqlite_path(settings.store.url)
    engine = open_engine(settings.store.url)
    try:
        with reading():
            yield engine if path is None or path.is_file() else None
    finally:
        engine.dispose()


def _store(settings: Settings) -> Diagnosis:
    """Whether the store can be read, and has this version's schema."""
    try:
        with _looking(settings) as engine:
            if engine is None:
                return Diagnosis(subject="store", ok=True, text=NO_STORE)
            shown = engine.url.render_as_string()
            with engine.connect() as connection:
                found = revision_of(connection)
    except (ConfigError, StoreError) as error:
        return Diagnosis(subject="store", ok=False, text=str(error))
    if found in (None, HEAD):
        state = NO_STORE if found is None else "schema up to date"
        return Diagnosis(subject="store", ok=True, text=f"{shown}, {state}")
    text = f"{shown} has schema {found}; run 'windsock db upgrade' to bring it to {HEAD}"
    return Diagnosis(subject="store", ok=False, text=text)


def _door(settings: Settings) -> list[Diagnosis]:
    """Whether everybody could come in from other machines."""
    try:
        with _looking(settings) as engine:
            had_keys = engine is not None and _had_keys(engine)
    except (ConfigError, StoreError):
        return []  # said of the store; the service lets nobody in while it cannot read keys
    fault = open_door(settings.server.keys, settings.server.host, had_keys=had_keys)
    return [] if fault is None else [Diagnosis(subject="keys", ok=False, text=fault)]


def _had_keys(engine: Engine) -> bool:
    with engine.connect() as connection:
        is_empty = revision_of(connection) is None
    return not is_empty and may_have_had_keys(engine)


async def _reached(
    service: Service, environ: Mapping[str, str], without: Collection[str]
) -> list[Diagnosis]:
    """Every provider and feed, asked at once."""
    fetcher, reader = Fetcher(environ), ReadingProcess()
    async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as http:
        upstreams = service.executor.calls.upstreams.items()
        providers = [
            _provider(http, name, upstream.endpoint)
            for name, upstream in upstreams
            if name not in without
        ]
        declared = service.poller.definitions()
        feeds = [_feed(fetcher, reader, definition, service) for definition in declared]
        found = await asyncio.gather(*providers, *feeds)
    await reader.close()
    await fetcher.close()
    return list(found)


async def _provider(http: httpx.AsyncClient, name: str, endpoint: Endpoint) -> Diagnosis:
    """Asks for the list of models, which costs nothing and needs the key."""
    subject = f"provider {name}"
    url = f"{endpoint.base_url}/models"
    full = f"{url}?{endpoint.query}" if endpoint.query else url
    try:
        answer = await http.get(full, headers=await endpoint.headers_of("GET", full))
    except ProviderError as error:
        return Diagnosis(subject=subject, ok=False, text=str(error))
    except httpx.HTTPError as error:
        reason = f"{type(error).__name__} at {url}; check base_url and the network"
        return Diagnosis(subject=subject, ok=False, text=reason)
    if answer.status_code in (401, 403):
        text = f"refuses the key ({answer.status_code}); check providers.{name}.api_key"
        return Diagnosis(subject=subject, ok=False, text=text)
    if answer.status_code >= 500:
        text = f"answers {answer.status_code} at {url}; requests go elsewhere meanwhile"
        return Diagnosis(subject=subject, ok=False, text=text)
    state = "accepts the key" if answer.is_success else f"is there (answers {answer.status_code})"
    return Diagnosis(subject=subject, ok=True, text=state)


async def _feed(
    fetcher: Fetcher, reader: ReadingProcess, definition: FeedDefinition, service: Service
) -> Diagnosis:
    subject = f"feed {definition.id}"
    try:
        fetched = await fetcher.fetch(definition, Validators())
        found = await reader.read(definition, fetched.body or b"", seen_at=service.clock.now())
    except FeedError as error:
        text = f"{error}; what is known stays in force"
        return Diagnosis(subject=subject, ok=False, text=text)
    service.ingestion.on_reading(definition, found)
    return Diagnosis(subject=subject, ok=True, text=f"{len(found.rows) + len(found.health)} rows")


def _errors(settings: Settings, now: float) -> list[Diagnosis]:
    """Where most calls of the last hour failed, by the records of the store."""
    try:
        with _looking(settings) as engine:
            lines = attempts_report(engine, since=now - ERRORS_S) if engine else []
    except (ConfigError, StoreError):
        return []  # the store has a line of its own
    ended: dict[str, Counter[CallKind]] = {}
    for line in lines:
        ends = ended.setdefault(line["deployment"], Counter())
        ends[CallKind(line["kind"])] += line["calls"]
    rises = filter(None, (error_rise(name, ends) for name, ends in ended.items()))
    mend = "GET /v1/decisions?format=ndjson lists each call, callers are told its words"
    return [Diagnosis(subject=f"errors at {rise.deployment}", ok=False, text=f"{rise}; {mend}")
            for rise in rises if rise.has_risen]  # fmt: skip


def _prices(service: Service) -> list[Diagnosis]:
    """How each deployment is priced, after every feed was read."""
    return [_price(service, name) for name in service.router.catalog.deployments]


def _price(service: Service, name: str) -> Diagnosis:
    status = service.router.book.status(name, service.clock.now())
    if status.quote is not None:
        doubts = list(_doubts(service, status, status.quote))
        text = "; ".join([f"priced by {status.quote.feed}", *doubts])
        return Diagnosis(subject=name, ok=True, text=text, is_unsure=bool(doubts))
    near = service.ingestion.nearest(name)
    hint = f"; feeds list {', '.join(near)}" if near else ""
    mend = f'name the feed\'s model in [deployments."{name}"] price_names, or state a price'
    return Diagnosis(subject=name, ok=False, text=f"{status.reason}{hint}; {mend}")


def _doubts(service: Service, status: PriceStatus, quote: Quote) -> Iterator[str]:
    """What speaks against a price in force."""
    if status.is_provisional:
        until = status.provisional_until
        day = "" if until is None else f" until {datetime.fromtimestamp(until, UTC):%Y-%m-%d}"
        yield f"provisional{day}: no second list, no bill"
    book, now = service.router.book, service.clock.now()
    stated = book.believed(quote.deployment, now) or quote
    for said in book.statements(quote.deployment, now):
        if said.stands == "dissents":
            yield f"{said.quote.feed} says ${_in_and_out(said.quote)}, not ${_in_and_out(stated)}"
    for held in status.held:
        yield f"held of {held.quote.feed}: {held.reason}"


def _in_and_out(quote: Quote) -> str:
    """Input and output, dollars per million tokens."""
    return "/".join(plain(to_float(quote.usd_per_mtok[m])) for m in MAIN_METERS)
