"""Starting from the store: the schema, the last snapshot, and what was appended after it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Engine

from windsock.clock import Clock
from windsock.config.settings import Settings
from windsock.core.evidence.agreement.shadow import credited
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import is_background
from windsock.core.model.rewards import Feedback, OpenDecision
from windsock.core.model.ticks import HealthReport, Quote
from windsock.core.replicas.deltas import Seen
from windsock.core.routing.replication.replica import Replica
from windsock.core.routing.router import Router
from windsock.errors import StoreError
from windsock.observability import log
from windsock.store import queries
from windsock.store.engine import open_engine
from windsock.store.keys import keys_and_trace
from windsock.store.migrations import upgrade_engine
from windsock.store.recovery.rescue import rescue
from windsock.store.recovery.set_aside import set_aside_if_corrupt
from windsock.store.replicas.news import deltas_after, eras

UNREADABLE = (LookupError, TypeError, ValueError, AttributeError)
"""What taking over a state raises that is none."""

NewRouter = Callable[[Mapping[str, Any]], Router]
"""A router that has learnt nothing, for what a snapshot holds; {} where there is none."""


@dataclass(slots=True)
class Known:
    """Deltas of replicas that were learnt, all of them up to a position of the ledger."""

    seen: Seen = field(default_factory=Seen)
    position: int = 0


def restored(
    new_router: NewRouter, engine: Engine, *, is_logged: bool = True, known: Known | None = None
) -> Router:
    """Restart is a replay: the last snapshot that can be taken over, then what came after it.

    known   is told which deltas of replicas that knows

    raises  StoreError if the store cannot be read
    """
    quotes = queries.all_quotes(engine)
    starts = (_start(new_router, quotes, *each) for each in stored_states(engine))
    position, router, kept = next(start for start in starts if start is not None)
    known = known or Known()
    known.position = position
    if "replicas" in kept:
        known.seen.join(Seen.from_state(kept["replicas"]["seen"]))
        known.position = kept["replicas"]["position"]
    replayed = _replay(router, engine, position) + _learn_deltas(router, engine, known)
    if is_logged and (position or replayed):
        log.event_log().info("state.restored", replayed=replayed)
    return router


def stored_states(engine: Engine) -> Iterator[tuple[int, dict[str, Any]]]:
    """(position, what is kept) of the snapshots, newest first; at last (0, {}), the beginning."""
    for position, snapshot in queries.snapshots(engine):
        try:
            kept = dict(orjson.loads(snapshot.written))
            kept["router"]
        except UNREADABLE as error:
            _set_aside(error)
        else:
            yield position, kept
    yield 0, {}


def _start(
    new_router: NewRouter, quotes: list[Quote], position: int, kept: Mapping[str, Any]
) -> tuple[int, Router, Mapping[str, Any]] | None:
    """(position, router, kept) with the state of a snapshot, None if that is none."""
    router = new_router(kept)
    try:
        router.book.restore(quotes, said=_in_use(router, kept.get("prices", {})))
        router.health.from_state(_in_use(router, kept.get("health", {})))
        if kept:
            router.from_state(kept["router"])
    except UNREADABLE as error:
        _set_aside(error)
        return None
    return position, router, kept


def _in_use(router: Router, known: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the deployments that there are."""
    return {name: each for name, each in known.items() if name in router.catalog.deployments}


def _set_aside(error: Exception) -> None:
    log.event_log().error("state.set_aside", reason=f"{type(error).__name__}: {error}")


def _replay(router: Router, engine: Engine, position: int) -> int:
    """Learn what was appended after a position; how many entries that were.

    What replicas had learnt of it stands in their deltas.
    """
    replayed, shared = 0, eras(engine)
    for at, entry in queries.tail_with_positions(engine, position):
        if shared.has(at):
            continue
        replayed += 1
        if isinstance(entry, Outcome):
            if not is_background(entry.decision.key_id):
                router.learn_outcome(entry, entry.finished_at)
        elif isinstance(entry, HealthReport):
            router.absorb(entry, entry.seen_at)
        elif isinstance(entry, Feedback):
            _relearn(router, engine, entry)
    return replayed


def _learn_deltas(router: Router, engine: Engine, known: Known) -> int:
    """Learn what replicas have told since; how many deltas that were."""
    replica, learnt = Replica(router, ""), 0
    replica.seen = known.seen
    while found := deltas_after(engine, known.position):
        for known.position, delta in found:
            learnt += delta is not None and replica.absorb(delta, delta.at)
    replica.close()
    return learnt


def _relearn(router: Router, engine: Engine, feedback: Feedback) -> None:
    """Learn what was said of a decision, beside what had been said of it before."""
    known = stored_decision(engine, feedback.decision_id, before=feedback)
    if known is not None:
        said = tuple(known.said.values())
        router.learn(known.decision, known.deployment, feedback.reward, feedback.at, said=said)


def stored_decision(
    engine: Engine, name: str, namespace: str | None = None, *, before: Feedback | None = None
) -> OpenDecision | None:
    """A decision and what was said of it, by its id or, in a namespace, by its answer's id.

    before  if given, only what was said before that
    """
    found = queries.decision(engine, name)
    if found is None and namespace is not None:
        found = queries.decision_of_response(engine, name, namespace)
    if isinstance(found, Outcome):
        known = OpenDecision(credited(found.decision), found.served or found.decision.deployment)
    elif isinstance(found, Decision):
        known = OpenDecision(credited(found), found.deployment)
    else:
        return None
    said = queries.feedback_of(engine, known.decision.id)
    for each in itertools.takewhile(lambda each: each != before, said):
        known.hear(each)
    return known


def opened_store(
    settings: Settings, clock: Clock, *, is_ours: bool = False
) -> tuple[Engine, str | None]:
    """The store, and what keeps it from being read just now: then the service starts without.

    is_ours     no other process writes to it

    raises  StoreError if it is there and refuses us
    """
    try:
        return prepared_engine(settings, clock, is_ours=is_ours), None
    except StoreError as error:
        if error.is_refusal:
            raise
        log.event_log().error("store.failed", error=str(error))
        return open_engine(settings.store.url), str(error)


def prepared_engine(settings: Settings, clock: Clock, *, is_ours: bool = False) -> Engine:
    """The store, its schema up to date; a broken file is set aside and what can be read saved."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock.now()))
    aside = set_aside_if_corrupt(settings.store.url, stamp, is_ours=is_ours)
    engine = open_engine(settings.store.url)
    try:
        upgrade_engine(engine)
    except StoreError:
        engine.dispose()
        raise
    if aside is not None:
        saved = rescue(aside, engine)
        log.event_log().error(
            "state.set_aside",
            file=aside.name,
            saved=dict(saved.rows),
            lost={name: lost for name, lost in saved.lost.items() if lost != 0},
            log_pages=saved.frames,
        )
    return engine


def may_have_had_keys(engine: Engine) -> bool:
    """True also while that cannot be known: the service lets nobody in then."""
    try:
        return keys_and_trace(engine)[1]
    except StoreError:
        return True
