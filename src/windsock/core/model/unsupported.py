"""What deployments said that they do not take of a request: facts with an age."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import Any

from windsock.core.model.exclusions import Exclusion, ExclusionCode
from windsock.core.model.requests import Unsupported

KEEP_S = 86_400.0
"""For so long a fact is believed; then the field is sent again, and may be refused again."""

MAX_FACTS = 64
"""Of one deployment; the oldest is forgotten first."""

SURE = 3
"""Requests that must be refused for a need with which others were answered of late."""

IN_WORDS: Mapping[str, str] = {
    "vision": "images",
    "audio": "audio",
    "tools": "tools",
    "tool_choice": "a demand to call a tool",
    "functions": "functions in the form of before there were tools",
    "custom_tools": "custom tools",
    "json_schema": "a JSON schema",
    "json_object": "a demand for JSON",
    "n": "a demand for several answers",
    "logprobs": "a demand for logprobs",
    "rerank": "calls to rerank",
    "moderation": "calls to moderate",
    "image_generation": "calls to make images",
    "image_edit": "calls to edit images",
    "audio_transcription": "calls to transcribe",
    "audio_translation": "calls to translate sound",
    "audio_speech": "calls to speak",
    "messages": "what only Anthropic's Messages carry",
    "responses": "what only OpenAI's Responses carry",
    "generate_content": "what only Gemini's own API carries",
    "embed_content": "what only Gemini's own embeddings carry",
    "batch_embed_contents": "what only Gemini's own embeddings carry",
    "token_input": "texts given as tokens",
}
"""What a request needs, as people call it."""


def lacking(lacks: Iterable[str], needs: Collection[str]) -> Exclusion | None:
    """Why a request with these needs is not served by who lacks those."""
    missing = [IN_WORDS.get(need, need) for need in lacks if need in needs]
    if not missing:
        return None
    return Exclusion(ExclusionCode.PARAMETER_REFUSED, f"does not take {' or '.join(missing)}")


class UnsupportedParameters:
    """By deployment: what it refused, and when."""

    def __init__(self) -> None:
        self._heard: dict[str, OrderedDict[Unsupported, float]] = {}
        self._proved: dict[tuple[str, str], float] = {}
        self._told: dict[tuple[str, str], set[int]] = {}

    def prove(self, deployment: str, needs: Iterable[str], now: float) -> None:
        """It has answered a request that had these needs."""
        for need in needs:
            self._proved[deployment, need] = now
            self._told.pop((deployment, need), None)

    def observe(
        self,
        deployment: str,
        facts: Sequence[Unsupported],
        now: float,
        asked: int | None = None,
    ) -> list[Unsupported]:
        """A deployment refused these; those of them that are news.

        asked   equal for requests that are the same: one alone takes from nobody what others get
        """
        facts = [fact for fact in facts if not self._is_doubted(deployment, fact, asked, now)]
        heard = self._heard.setdefault(deployment, OrderedDict())
        news = [fact for fact in facts if now - heard.get(fact, -KEEP_S) >= KEEP_S]
        for fact in facts:
            heard[fact] = now
            heard.move_to_end(fact)
            if len(heard) > MAX_FACTS:
                heard.popitem(last=False)
        return news

    def of(self, deployment: str, now: float) -> tuple[Unsupported, ...]:
        """What it refused of late."""
        if deployment not in self._heard:
            return ()
        return tuple(fact for fact, _ in self._fresh(deployment, now))

    def ruled_out(self, deployment: str, needs: Collection[str], now: float) -> Exclusion | None:
        """Why it cannot serve a request with these needs; None if it may."""
        lacks = (fact.need for fact, _ in self._fresh(deployment, now))
        return lacking([need for need in lacks if need is not None], needs)

    def heard(self, deployment: str, now: float) -> dict[str, float]:
        """Seconds since it refused a field, by the field."""
        return {fact.field: now - at for fact, at in self._fresh(deployment, now)}

    def to_state(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            name: [[*astuple(fact), at] for fact, at in heard.items()]
            for name, heard in self._heard.items()
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`; raises TypeError or ValueError if it is none."""
        self._heard = {
            name: OrderedDict((_fact(*facts), float(at)) for *facts, at in heard)
            for name, heard in state.items()
        }

    def _is_doubted(
        self, deployment: str, fact: Unsupported, asked: int | None, now: float
    ) -> bool:
        need = fact.need
        if need is None or asked is None:
            return False
        if now - self._proved.get((deployment, need), -KEEP_S) >= KEEP_S:
            return False
        told = self._told.setdefault((deployment, need), set())
        told.add(asked)
        return len(told) < SURE

    def _fresh(self, deployment: str, now: float) -> list[tuple[Unsupported, float]]:
        heard = self._heard.get(deployment)
        return [] if heard is None else [each for each in heard.items() if now - each[1] < KEEP_S]


def _fact(
    field: str,
    instead: str,
    value: str | float | None,
    most: float | None,
    least: float | None = None,
    to: str | float | None = None,
    unless: str = "",
) -> Unsupported:
    """Of a state that was kept before there were bounds below and demands, too."""
    return Unsupported(
        field=field, instead=instead, value=value, most=most, least=least, to=to, unless=unless
    )
