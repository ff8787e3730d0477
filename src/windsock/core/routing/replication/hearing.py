"""How a router takes over what another has told: the latest word on a subject holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from windsock.core.evidence.warm_start import WarmStart
from windsock.core.model.calls import LASTING, CallKind
from windsock.core.routing.caps.account import raise_of
from windsock.core.routing.router import Router


def _hear_cooldown(
    router: Router, key: tuple[str, ...], word: Mapping[str, Any], now: float
) -> None:
    cause = CallKind(word["cause"]) if word["cause"] else None
    health = router.health
    if cause in LASTING and health.proofs.is_proven(key[0], now):
        return
    health.of(key[0]).hear(health.rules, cause, word["until"], now)
    health.version += 1


def _hear_lesson(router: Router, key: tuple[str, ...], word: Mapping[str, Any], now: float) -> None:
    taught = WarmStart.from_state(word["lesson"])
    router.lessons.hear(int(key[1]), taught, is_held=word["is_held"])
    router.tables.forget()


def _hear_own_model(router: Router, key: tuple[str, ...], word: bool, now: float) -> None:
    router.operator.undo_redirect(key[0], now)


def _hear_silenced(router: Router, key: tuple[str, ...], word: bool, now: float) -> None:
    namespace, name = key
    router.learner.set_silent(namespace, name, is_silent=word, now=now)
    router.tables.forget()


def _hear_raised(router: Router, key: tuple[str, ...], word: Mapping[str, Any], now: float) -> None:
    if router.caps.cap(key[0]) is not None:
        router.caps.hear_raise(raise_of(word))


def _hear_turn(router: Router, key: tuple[str, ...], word: list[Any], now: float) -> None:
    namespace, route, session = key
    router.conversations.memory.hear((namespace, route, session), word)


def _hear_answer(router: Router, key: tuple[str, ...], word: list[str | None], now: float) -> None:
    memory, (session, deployment) = router.conversations.memory, word
    if session is not None:
        memory.link(key[0], key[1], session)
    if deployment is not None:
        memory.note_answerer(key[0], key[1], deployment)


HEARD: Mapping[str, Callable[[Router, tuple[str, ...], Any, float], object]] = {
    "cooldown": _hear_cooldown,
    "silenced": _hear_silenced,
    "raised": _hear_raised,
    "turn": _hear_turn,
    "answer": _hear_answer,
    "lesson": _hear_lesson,
    "own model": _hear_own_model,
}
"""By subject; each raises whatever a form of another version leads to."""
