"""What windsock asks by itself, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from windsock.core.model.decisions import Decision
from windsock.core.model.requests import About, Cell, background_key
from windsock.wire.formats.chat.reading import read_chat
from windsock.wire.json_codec import dumps
from windsock.wire.request import UpstreamRequest, as_reserved

DEADLINE_S = 60.0
"""For an answer; it is shorter than the patience of routes, whose health it does not touch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A chat that windsock asks by itself.

    purpose     such as `judge`; also the name of its task, as `windsock-judge`
    cell, served    whose success it tells of, beside whose route it is asked and capped
    model       a deployment, a model or a route
    body        of the chat, without `model`
    optional    fields of it that are left out where nobody takes them
    known_as    a name by which its answer is found in the ledger
    """

    purpose: str
    cell: Cell
    served: str
    model: str
    body: Mapping[str, Any]
    optional: tuple[str, ...] = ()
    known_as: str = ""

    @property
    def task(self) -> str:
        """Under which it stands in reports."""
        return f"windsock-{self.purpose}"


class Reply(NamedTuple):
    """A chat completion, and the decision whose it is."""

    answer: dict[str, Any]
    decision: Decision


def asked_of(question: Question) -> UpstreamRequest:
    """As a request that belongs to no conversation; raises BadRequest."""
    cell, about = question.cell, About(question.served, question.cell.name)
    asked = read_chat(
        dumps({"model": question.model, **question.body}),
        task=question.task,
        namespace=cell.namespace,
        key_id=background_key(question.purpose, cell.route, about),
        deadline_s=DEADLINE_S,
    )
    request = replace(as_reserved(asked), session_id=None, known_as=question.known_as)
    return replace(asked, request=request, is_private=True)
