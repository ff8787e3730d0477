"""The kinds of calls, one row each: where they go, what they need, where their answer stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from windsock.wire.request import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One kind of call.

    path        below the provider's base URL, and below /v1 of ours
    name        of the task that its requests belong to, where they name none
    needs       of a deployment (`RouteRequest.needs`): the kind of model, and the call itself
    answer      fields of which one holds the answer: a list that is not empty, or a text
    model       asked for where the request names none, as OpenAI does; empty: it must
    """

    path: str
    name: str
    needs: tuple[str, ...]
    answer: tuple[str, ...]
    model: str = ""


TASKS: Mapping[Operation, Task] = {
    Operation.RERANK: Task(
        path="/rerank", name="rerank", needs=("rerank",), answer=("results", "data")
    ),
    Operation.MODERATION: Task(
        path="/moderations",
        name="moderation",
        needs=("moderation",),
        answer=("results",),
        model="omni-moderation-latest",
    ),
    Operation.SPEECH: Task(path="/audio/speech", name="speech", needs=("audio_speech",), answer=()),
    Operation.TRANSCRIPTION: Task(
        path="/audio/transcriptions",
        name="transcription",
        needs=("audio_transcription",),
        answer=("text", "segments"),
    ),
    Operation.TRANSLATION: Task(
        path="/audio/translations",
        name="translation",
        needs=("audio_transcription", "audio_translation"),
        answer=("text", "segments"),
    ),
    Operation.IMAGE: Task(
        path="/images/generations", name="image", needs=("image_generation",), answer=("data",)
    ),
    Operation.IMAGE_EDIT: Task(
        path="/images/edits",
        name="image_edit",
        needs=("image_generation", "image_edit"),
        answer=("data",),
    ),
}
