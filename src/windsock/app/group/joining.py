"""A service as one of several replicas."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import socket
from collections.abc import Iterable
from functools import partial

import orjson

from windsock import __version__
from windsock.app.core_parts import Core
from windsock.app.replicas.membership import Membership
from windsock.app.replicas.place import Place
from windsock.app.replicas.rates import RateKeeper
from windsock.app.replicas.shares import ShareKeeper
from windsock.app.service import Service
from windsock.config.settings import Settings
from windsock.config.shown import shown
from windsock.core.model.rewards import Feedback, matter_of
from windsock.core.model.ticks import Quote
from windsock.core.routing.replication.replica import Replica
from windsock.observability.log import event_log
from windsock.service.rate_shares import RateShares
from windsock.store import queries
from windsock.store.codec import decode, encode
from windsock.store.replicas.group import Told

OWN = ("replicas.name", "server.host", "server.port", "store.url")


def membership_of(core: Core, settings: Settings, service: Service) -> Membership | None:
    """Its part in the group, None of one that is alone; nothing is connected yet."""
    if not core.role.is_shared:
        return None
    replica = Replica(core.router, secrets.token_hex(8))
    name = _name(settings.replicas.name, core.place)
    made = Membership(
        settings=settings.replicas,
        name=name,
        replica=replica,
        role=core.role,
        known=core.known,
        engine=core.engine,
        ledger=core.ledger,
        clock=core.clock,
        poller=core.poller,
        shares=ShareKeeper(
            book=core.router.caps,
            engine=core.engine,
            clock=core.clock,
            replica=replica.name,
            is_read=core.caps.is_read,
            publish=core.ingestion.publish,
        ),
        rates=RateKeeper(
            shares=RateShares(service.key_limits, core.clock.elapsed, lambda: core.role.replicas),
            engine=core.engine,
            clock=core.clock,
            replica=replica.name,
        ),
        told=partial(_told, name, service),
        publish=core.ingestion.publish,
        on_lead=partial(_begin_to_lead, core, service),
        on_keys=service.housekeeping.read_keys,
    )
    core.on_publish.append(made.tell_of)
    core.ingestion.rulings.on_ruled.append(replica.tell_ruling)
    replica.on_ruling = core.ingestion.rulings.hear
    replica.on_replies, service.judges.tell_others = service.judges.hear, replica.tell_replies
    replica.on_reported = lambda word, by: service.feedbacks.hear(decode(Feedback, word), by)
    service.feedbacks.own.name = replica.name
    service.feedbacks.tell = partial(_tell_reported, replica)
    replica.on_unheard = lambda subject: event_log().warning("replica.unheard", subject=subject)
    return made


def _name(stated: str | None, place: Place) -> str:
    """As people see it, another for each process."""
    if not stated:
        return f"{socket.gethostname()}-{os.getpid()}"
    return stated if place.beside is None else f"{stated}-{place.beside}"


def _tell_reported(replica: Replica, feedback: Feedback) -> None:
    metric, source, key_id = matter_of(feedback.reward)
    about = (feedback.decision_id, metric, source, key_id or "", repr(feedback.at))
    replica.tell_reported(about, encode(feedback))


def _told(name: str, service: Service, heard: int) -> Told:
    loaded, tallies = service.reloaded, service.tallies
    return Told(
        name=name,
        version=__version__,
        config=digest(loaded.settings),
        config_at=loaded.loaded_at,
        loads=loaded.loads,
        heard=heard,
        requests=sum(each.requests for each in list(tallies.by_name.values())),
    )


def digest(settings: Settings) -> str:
    """Twelve digits that two replicas share whose configuration is the same.

    Secrets, where each listens, what each is called and by which way it reaches the store are left
    out.
    """
    told = [each[:2] for each in shown(settings) if not each[0].startswith(OWN)]
    return hashlib.sha256(orjson.dumps(told, default=str)).hexdigest()[:12]


def _begin_to_lead(core: Core, service: Service) -> None:
    """What only who leads tells and keeps is told and kept from here on."""
    service.tasks.keep("prices in force", lambda: _keep_prices(core))
    service.judges.tell_again()


async def _keep_prices(core: Core) -> None:
    """What the one who led before may have accepted without keeping it; from now on it keeps none.

    Of what is in force now: what polls bring is kept as it comes.
    """
    now, names = core.clock.now(), core.router.catalog.deployments
    found = [core.router.book.believed(name, now) for name in names]
    await core.ledger.flushed()
    kept = await asyncio.to_thread(queries.last_quotes, core.engine)
    if core.role.leads():
        for quote in missing([each for each in found if each is not None], kept):
            core.ledger.append(core.role.led(quote))


def missing(found: Iterable[Quote], kept: Iterable[Quote]) -> list[Quote]:
    """Those that are not among those kept, nor older: who has just begun to lead may be behind."""
    known = {(each.deployment, each.feed): each for each in kept}

    def is_missing(quote: Quote) -> bool:
        last = known.get((quote.deployment, quote.feed))
        return last is None or (
            last.usd_per_mtok != quote.usd_per_mtok and last.seen_at < quote.seen_at
        )

    return [quote for quote in found if is_missing(quote)]
