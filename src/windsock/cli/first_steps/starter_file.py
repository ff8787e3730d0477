"""A first windsock.toml from three answers, with a word on every line one may want to turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from windsock.providers.presets import Preset


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a service is for, and what that says of its routes.

    quality     wish for quality of the route
    tasks       names that requests may give, with what they are for
    """

    words: str
    quality: str
    tasks: Mapping[str, str]


PURPOSES: Mapping[str, Purpose] = {
    "everything": Purpose(
        words="a bit of everything",
        quality="balanced",
        tasks={"chat": "answers for people", "extract": "facts out of texts"},
    ),
    "extraction": Purpose(
        words="many small calls: sentiment, entities, classification",
        quality="economy",
        tasks={"sentiment": "one word", "ner": "names, dates, sums"},
    ),
    "code": Purpose(
        words="code, SQL and agents, where a wrong answer costs a person's time",
        quality="high",
        tasks={"sql": "queries", "code": "programs"},
    ),
}
"""By name, the usual one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The three answers.

    providers       whose keys are there, as presets
    usd_per_day     None: no cap
    """

    providers: Sequence[Preset]
    purpose: Purpose
    usd_per_day: Decimal | None


def starter_file(start: Start) -> str:
    """The text of the file."""
    return "\n".join((*_head(), *_providers(start), *_route(start), *_cap(start), *_rest())) + "\n"


def _head() -> Iterator[str]:
    yield "# windsock.toml, read anew within a second of every edit. 'windsock doctor' checks it."
    yield "# Keys stay in the environment: ${NAME} is filled in from there."
    yield ""


def _providers(start: Start) -> Iterator[str]:
    for preset in start.providers:
        yield f"[providers.{preset.id}]"
        yield f'api_key = "${{{preset.key}}}"'
        yield ""


def _route(start: Start) -> Iterator[str]:
    names = [f'"{preset.id}/{model}"' for preset in start.providers for model in preset.models]
    purpose = start.purpose
    yield '# Clients ask for model = "auto" and name their task in metadata.task:'
    for task, words in purpose.tasks.items():
        yield f"#   {task:<12} {words}"
    yield "# Any name will do; each is learnt by itself."
    yield "[routes.auto]"
    yield "candidates = ["
    yield from (f"  {name}," for name in names)
    yield "]"
    yield "# What a success is worth: economy, balanced, high or max."
    yield f'quality = "{purpose.quality}"'
    yield "explore = 0.02          # share of requests that is kept for learning"
    yield f"# incumbent = {names[0]}   # what you use today: left only for what is surely better"
    yield "# max_latency_ms = 800  # ceiling on the first token"
    yield ""


def _cap(start: Start) -> Iterator[str]:
    if start.usd_per_day is None:
        yield "# [caps.all]             # dollars that are never passed"
        yield "# usd = 20"
    else:
        yield "[caps.all]               # dollars that are never passed, by the UTC day"
        yield f"usd = {start.usd_per_day}"
    yield '# period = "month"      # or week; day if left out'
    yield ""


def _rest() -> Iterator[str]:
    yield "[server]"
    yield 'host = "127.0.0.1"      # for other machines make a key first: windsock keys create NAME'
    yield "port = 8787"
    yield ""
    yield "[store]"
    yield 'url = "sqlite:///windsock.db"'
