"""What is asked and answered in each case, before any format says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PNG = "iVBORw0KGgo="
PDF = "JVBERi0="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
          "additionalProperties": False}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Image:
    data: str = PNG


@dataclass(frozen=True, slots=True)
class Document:
    data: str = PDF


@dataclass(frozen=True, slots=True)
class Thought:
    """signature: by which its provider knows it again; None: it signs nothing."""

    text: str
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    call: Call
    parts: tuple[Text | Image, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    text: str


Part = Text | Image | Document | Thought | Call | Result | Refusal
Turn = tuple[str, tuple[Part, ...]]
"""(user or assistant, what it says)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """
    error   the provider refuses with these words
    """

    turns: tuple[Turn, ...]
    answer: tuple[Part, ...] = ()
    tools: tuple[str, ...] = ()
    thinks: bool = False
    has_schema: bool = False
    error: str = ""
    system: str = "Be brief."
    facts: dict[str, Any] = field(default_factory=dict)


def user(*parts: Part) -> Turn:
    return "user", parts


BERN, GENF = Call("call_1", "look", {"city": "Bern"}), Call("call_2", "look", {"city": "Genf"})
HELLO, WET = user(Text("How is the weather?")), (Text("Wet "), Text("and cold."))
SIGNED, PLAIN = Thought("Two cities.", "c2lnbmVk"), Thought("Two cities.")

CASES: dict[str, Case] = {
    "plain": Case(turns=(HELLO,), answer=WET),
    "tools": Case(turns=(HELLO,), answer=(Text("Let me look."), BERN), tools=("look",)),
    "parallel tools": Case(
        turns=(HELLO, ("assistant", (BERN, GENF)),
               user(Result(BERN, (Text("wet"),)), Result(GENF, (Text("dry"),)), Text("And now?"))),
        answer=(BERN, GENF),
        tools=("look", "book"),
    ),
    "images": Case(turns=(user(Text("What is this?"), Image()),), answer=WET),
    "tool images": Case(
        turns=(HELLO, ("assistant", (BERN,)), user(Result(BERN, (Text("see"), Image())))),
        answer=WET,
        tools=("look",),
    ),
    "reasoning, signed": Case(
        turns=(HELLO, ("assistant", (SIGNED, BERN)), user(Result(BERN, (Text("wet"),)))),
        answer=(SIGNED, *WET),
        tools=("look",),
        thinks=True,
    ),
    "reasoning, unsigned": Case(turns=(HELLO,), answer=(PLAIN, *WET), thinks=True),
    "refusal": Case(turns=(HELLO,), answer=(Refusal("I will not say."),)),
    "JSON schema": Case(turns=(HELLO,), answer=(Text('{"city": "Bern"}'),), has_schema=True),
    "documents": Case(turns=(user(Document(), Text("Sum this up.")),), answer=WET),
    "errors": Case(turns=(HELLO,), error="temperature must be lower on Sundays"),
}  # fmt: skip
