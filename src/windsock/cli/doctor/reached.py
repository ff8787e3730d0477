"""Every provider and feed, asked once, for nothing that costs."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import httpx
import jq

from windsock.app.catalog_parts import preset_of
from windsock.app.service import Service
from windsock.cli.doctor.diagnosis import Diagnosis
from windsock.cli.doctor.machine import diagnose_clock
from windsock.core.model.model_names import SNAPSHOT
from windsock.errors import FeedError, ProviderError
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.fetcher import Fetcher, Validators
from windsock.feeds.reader_process import ReadingProcess
from windsock.providers.presets import Preset, presets
from windsock.providers.transport import Endpoint

SHOWN = 5
"""Rows of an own sheet that cannot be read, as many as are named."""

TIMEOUT_S = 10.0

MOST_LISTED = 100_000

NOT_FOUND = 404

USUAL_PATHS = ("/v1", "/openai/v1", "/api/v1")
"""What people leave out of an address that speaks as OpenAI does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A provider that is to be asked.

    models  of its deployments, by their ids
    """

    name: str
    endpoint: Endpoint
    preset: Preset | None
    models: Mapping[str, str]


@dataclass(slots=True)
class Provider:
    """Asks one provider, and notes by how much the clock here is ahead of its."""

    asked: Asked
    http: httpx.AsyncClient
    now: float
    ahead_s: list[float]

    async def diagnose(self) -> list[Diagnosis]:
        """By its list of models, which costs nothing and needs the key; and of its credit."""
        url = f"{self.asked.endpoint.base_url}/models"
        try:
            answer = await self._get(url)
        except ProviderError as error:
            return [self._said(str(error), ok=False)]
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"{type(error).__name__} at {url}; check base_url and the network"
            return [self._said(reason, ok=False)]
        self._note_clock(answer)
        fault = _fault(answer.status_code, url, self.asked.name)
        if fault is not None:
            return [self._said(fault, ok=False)]
        code = answer.status_code
        if code == NOT_FOUND and (path := await self._missing_path()):
            base = self.asked.endpoint.base_url
            mend = f'{url} is not found and {base}{path}/models is: write base_url = "{base}{path}"'
            return [self._said(mend, ok=False)]
        state = "accepts the key" if answer.is_success else f"is there (answers {code})"
        return [self._said(state), *self._models(answer), *await self._credit()]

    async def _missing_path(self) -> str:
        """What the address lacks at the end, where a list of models is found behind it; or none."""
        for path in USUAL_PATHS:
            with suppress(ProviderError, httpx.HTTPError, httpx.InvalidURL):
                answer = await self._get(f"{self.asked.endpoint.base_url}{path}/models")
                if answer.status_code in (401, 403) or listed_models(answer):
                    return path
        return ""

    async def _get(self, url: str) -> httpx.Response:
        endpoint = self.asked.endpoint
        full = f"{url}?{endpoint.query}" if endpoint.query else url
        return await self.http.get(full, headers=await endpoint.headers_of("GET", full))

    def _said(self, text: str, *, ok: bool = True) -> Diagnosis:
        return Diagnosis(subject=f"provider {self.asked.name}", ok=ok, text=text)

    def _note_clock(self, answer: httpx.Response) -> None:
        try:
            told = parsedate_to_datetime(answer.headers["date"]).timestamp()
        except (KeyError, ValueError):
            return
        self.ahead_s.append(self.now - told)

    def _models(self, answer: httpx.Response) -> list[Diagnosis]:
        """Deployments whose model the key's list does not name, where it is a whole list."""
        listed = listed_models(answer) if answer.is_success else ()
        if not listed or (self.asked.preset is not None and self.asked.preset.places):
            return []  # clouds list what could be deployed, not what is
        return [
            Diagnosis(subject=name, ok=False, text=_unlisted(self.asked.name, model, listed))
            for name, model in self.asked.models.items()
            if not is_listed(model, listed)
        ]

    async def _credit(self) -> list[Diagnosis]:
        """What is left, where a provider tells; a limit that there is not is no number."""
        place = self.asked.preset.credit if self.asked.preset else None
        if place is None:
            return []
        try:
            answer = await self._get(urljoin(f"{self.asked.endpoint.base_url}/", place.path))
            left = jq.compile(place.left).input_value(answer.json()).first()
        except (ProviderError, httpx.HTTPError, httpx.InvalidURL, ValueError, StopIteration):
            return []
        if not answer.is_success or not isinstance(left, int | float):
            return []
        if left > 0:
            return [self._said(f"has {left:,.2f} of credit left")]
        return [self._said("the key has no credit left; top up its account", ok=False)]


def _fault(status: int, url: str, name: str) -> str | None:
    """What is wrong where a provider answers so."""
    if status in (401, 403):
        return f"refuses the key ({status}); check providers.{name}.api_key"
    if status == 402:
        return "the key has no credit left (402); top up its account"
    if status >= 500:
        return f"answers {status} at {url}; requests go elsewhere meanwhile"
    return None


def listed_models(answer: httpx.Response) -> frozenset[str]:
    """Names in a list of models; empty where it is none, or goes on elsewhere."""
    try:
        body = answer.json()
    except ValueError:
        return frozenset()
    rows: Any = body
    if isinstance(body, dict):
        rows = body.get("data", body.get("models"))
        if body.get("has_more") or body.get("nextPageToken") or body.get("next_page"):
            return frozenset()
    if not isinstance(rows, list) or len(rows) > MOST_LISTED:
        return frozenset()
    named = (row.get("id") or row.get("name") for row in rows if isinstance(row, dict))
    return frozenset(str(name).removeprefix("models/").casefold() for name in named if name)


def is_listed(model: str, listed: Collection[str]) -> bool:
    """Also under its dated name, or as a variant (`:free`) or a tuned form of one that is."""
    name = model.casefold()
    plain = name.partition(":")[0]
    return bool({name, plain, SNAPSHOT.sub("", name)} & set(listed)) or any(
        name in (SNAPSHOT.sub("", each), each.removesuffix(":latest")) or each.endswith(f"/{name}")
        for each in listed
    )


def _unlisted(provider: str, model: str, listed: Collection[str]) -> str:
    near = get_close_matches(model.casefold(), listed, n=2, cutoff=0.5)
    hint = f" (it names {', '.join(near)})" if near else ""
    return (
        f"the list of {provider} does not name {model}{hint}: the key may not use it, or it is "
        "gone; name another model, or ask the provider for access"
    )


async def diagnose_reached(
    service: Service, environ: Mapping[str, str], without: Collection[str]
) -> list[Diagnosis]:
    """Every provider and feed, asked at once; and the clock, by what providers say of the time."""
    fetcher, reader, ahead_s = Fetcher(environ), ReadingProcess(), list[float]()
    async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as http:
        providers = [
            Provider(each, http, service.clock.now(), ahead_s).diagnose()
            for each in _to_ask(service, without)
        ]
        declared = service.poller.definitions()
        feeds = [_feed(fetcher, reader, definition, service) for definition in declared]
        found = await asyncio.gather(asyncio.gather(*providers), asyncio.gather(*feeds))
    await reader.close()
    await fetcher.close()
    told = [each for one in found[0] for each in one]
    return [*told, *diagnose_clock(ahead_s), *found[1]]


def _to_ask(service: Service, without: Collection[str]) -> Iterable[Asked]:
    deployments = service.router.catalog.deployments.values()
    for name, upstream in service.executor.calls.targets.upstreams.items():
        if name not in without:
            yield Asked(
                name=name,
                endpoint=upstream.endpoint,
                preset=preset_of(name, service.settings, presets()),
                models={each.id: each.model for each in deployments if each.provider == name},
            )


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
    is_own = definition.id in service.router.book.rules.owner_feeds
    unread = [f"{name}: {reason}" for name, reason in found.skipped] if is_own else []
    text = f"{len(found.rows) + len(found.health)} rows"
    if unread:
        more = f"; and {len(unread) - SHOWN} more" if len(unread) > SHOWN else ""
        text = f"{text}, {len(unread)} not read: {'; '.join(unread[:SHOWN])}{more}"
    return Diagnosis(subject=subject, ok=True, text=text, is_unsure=bool(unread))
