"""`windsock doctor`: what stands well, what does not, and the mend."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from windsock.bootstrap import build
from windsock.errors import ConfigError, FeedError
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.fetching import Fetcher, Validators
from windsock.feeds.reading import read
from windsock.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was looked at, how it stands, and the mend."""

    subject: str
    ok: bool
    text: str


def examine(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Configuration, store, feeds and prices, in the order in which to mend them."""
    try:
        service = build(settings, environ)
    except ConfigError as error:
        return [Finding(subject="configuration", ok=False, text=str(error))]
    names = len(service.router.catalog.deployments)
    findings = [
        Finding(subject="configuration", ok=True, text=f"{names} deployments"),
        Finding(subject="store", ok=True, text=service.engine.url.render_as_string()),
    ]
    definitions = service.poller.definitions()
    findings += asyncio.run(_feeds(definitions, environ, service.clock.now()))
    for name in service.router.catalog.deployments:
        status = service.router.book.status(name, service.clock.now())
        if status.quote is not None:
            text = f"priced by {status.quote.feed}"
        else:
            near = service.intake.nearest(name)
            hint = f"; feeds list {', '.join(near)}" if near else ""
            text = (
                f"{status.reason}{hint}; name the feed's model in "
                f'[deployments."{name}"] price_names, or state a price'
            )
        findings.append(Finding(subject=name, ok=status.quote is not None, text=text))
    service.ledger.close()
    service.engine.dispose()
    return findings


async def _feeds(
    definitions: list[FeedDefinition], environ: Mapping[str, str], now: float
) -> list[Finding]:
    fetcher = Fetcher(environ)
    found = []
    for definition in definitions:
        try:
            fetched = await fetcher.fetch(definition, Validators())
            reading = read(definition, fetched.body or b"", seen_at=now)
            text, ok = f"{len(reading.rows) + len(reading.health)} rows", True
        except FeedError as error:
            text, ok = f"{error}; what is known stays in force", False
        found.append(Finding(subject=f"feed {definition.id}", ok=ok, text=text))
    await fetcher.close()
    return found
