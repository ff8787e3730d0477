"""Kinds of models, in LiteLLM's words, and what one call of each kind uses before it is learnt."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from windsock.core.model.exclusions import Exclusion, ExclusionCode
from windsock.core.model.units import Counts, Meter

CHAT, EMBEDDING = "chat", "embedding"

IN_WORDS: Mapping[str, str] = {
    EMBEDDING: "gives embeddings",
    "rerank": "reranks",
    "moderation": "moderates",
    "image_generation": "makes images",
    "audio_transcription": "transcribes sound",
    "audio_speech": "speaks",
    CHAT: "chats",
}
"""What a model of each kind does."""

NEEDED = frozenset(IN_WORDS) - {CHAT}
"""Needs of a request (`RouteRequest.needs`) that say which kind of model it asks for: else it is
one that chats."""

LENIENT = frozenset({CHAT, EMBEDDING})
"""Asked of any model of which nobody says what it is."""

NEVER_CHATS = NEEDED - {"image_generation"}
"""What a feed calls so does nothing else; what makes images may chat as well."""

FIRST_UNITS: Mapping[str, Counts] = {
    "rerank": {Meter.INPUT: 2000, Meter.REQUEST: 1},
    "moderation": {Meter.INPUT: 200, Meter.REQUEST: 1},
    "image": {Meter.INPUT: 60, Meter.OUTPUT: 1056, Meter.IMAGE: 1, Meter.REQUEST: 1},
    "image_edit": {Meter.INPUT: 400, Meter.OUTPUT: 1056, Meter.IMAGE: 1, Meter.REQUEST: 1},
    "transcription": {Meter.AUDIO_INPUT: 600, Meter.OUTPUT: 180, Meter.INPUT_SECOND: 60,
                      Meter.REQUEST: 1},
    "translation": {Meter.AUDIO_INPUT: 600, Meter.OUTPUT: 180, Meter.INPUT_SECOND: 60,
                    Meter.REQUEST: 1},
    "speech": {Meter.INPUT: 100, Meter.AUDIO_OUTPUT: 540, Meter.INPUT_CHARACTER: 400,
               Meter.OUTPUT_SECOND: 27, Meter.REQUEST: 1},
}  # fmt: skip
"""By task: a picture of medium quality, a minute that is heard, four hundred characters spoken."""


def modes_stated(mode: str | None) -> frozenset[str]:
    """What a feed's word for the kind of a model says that it does; chat says nothing."""
    if mode in NEVER_CHATS:
        return frozenset({mode})
    return frozenset({mode, CHAT}) if mode in NEEDED else frozenset()


def off_mode(
    modes: Collection[str], needs: Collection[str], *, tries_unknown: bool
) -> Exclusion | None:
    """Why a model of these kinds is not asked for what a request needs; None if it may be.

    modes           none: nobody says
    tries_unknown   as of `Deployment`
    """
    wanted = next((need for need in needs if need in NEEDED), CHAT)
    if wanted in modes or (not modes and (wanted in LENIENT or tries_unknown)):
        return None
    does = " and ".join(IN_WORDS[mode] for mode in sorted(modes))
    known = (
        f"{does}: no model that {IN_WORDS[wanted]}"
        if modes
        else (f"is not known to be a model that {IN_WORDS[wanted]}")
    )
    return Exclusion(ExclusionCode.WRONG_MODE, known)
