"""Entries for tests: plain ones by number, and any at all for hypothesis."""

import contextlib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Engine, text

from tests.builders import CHEAP, START
from windsock.core.model.calls import Attempt, AttemptReason, CallKind, CallResult, Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.events import Event
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.model.units import Usage
from windsock.store.ledger import Ledger
from windsock.store.rows import Entry

CELL = Cell("default", "auto", "chat")


def last_position(engine: Engine) -> int:
    """Of the last entry in the store; 0 in an empty one."""
    with engine.connect() as store:
        return store.execute(text("SELECT max(position) FROM writer")).scalar() or 0


def decision(number: int, /, **facts: Any) -> Decision:
    defaults: dict[str, Any] = {
        "number": number,
        "id": f"d{number}",
        "at": START + number,
        "cell": CELL,
        "table_version": 1,
        "deployment": CHEAP,
        "propensity": 0.25,
        "draw": 0.5,
        "requested_model": "auto",
    }
    return Decision(**{**defaults, **facts})


def table(version: int) -> WeightTable:
    """Of one deployment, which gets all."""
    return WeightTable(
        version=version,
        at=START + version,
        expires_at=START + version + 1,
        cell=CELL,
        policy="fixed",
        deployments=(CHEAP,),
        weights=(1.0,),
        cumulative=(1.0,),
        arms=(),
        ruled_out={},
    )


def call(number: int = 0, **facts: Any) -> CallResult:
    attempt = Attempt(number=number, deployment=CHEAP, reason=AttemptReason.FIRST)
    defaults: dict[str, Any] = {"kind": CallKind.ANSWERED, "latency_s": 0.5, "usage": Usage()}
    return CallResult(**{"attempt": attempt, **defaults, **facts})


def outcome(number: int, *, latency_s: float = 0.5, **facts: Any) -> Outcome:
    about = facts.pop("decision", None) or decision(number)
    defaults: dict[str, Any] = {
        "results": (call(latency_s=latency_s),),
        "served": about.deployment,
        "ok": True,
        "cost_usd": Decimal("0.000375"),
        "finished_at": about.at + latency_s,
    }
    return Outcome(decision=about, **{**defaults, **facts})


def feedback(number: int, value: float = 1.0, *, at: float = START, **facts: Any) -> Feedback:
    names = {"source", "metric", "key_id"} & facts.keys()
    reward = Reward(value=value, **{name: facts.pop(name) for name in names})
    return Feedback(decision_id=f"d{number}", reward=reward, at=at, **facts)


def shift(number: int, **facts: Any) -> Event:
    return Event(kind="price.shifted", deployment=CHEAP, at=START + number, facts=facts)


@contextlib.contextmanager
def ledger_on(engine: Engine, **options: Any) -> Iterator[Ledger]:
    """A ledger that is open for the length of the block."""
    ledger = Ledger(engine, **{"flush_s": 0.02, **options})
    ledger.open()
    try:
        yield ledger
    finally:
        ledger.close()


def keep(engine: Engine, entries: Iterable[Entry]) -> None:
    """Write all of them and close."""
    with ledger_on(engine) as ledger:
        for entry in entries:
            ledger.append(entry)
    assert ledger.stats().dropped == 0


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)
FLOATS = st.floats(-1e12, 1e12, allow_subnormal=True)
INTS = st.integers(0, 2**31 - 1)
MONEY = st.decimals(0, 1_000_000, allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | INTS | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
PLAIN = {str: TEXT, float: FLOATS, int: INTS, bool: st.booleans(), Decimal: MONEY, object: JSON}


def anything(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type as records use it; all fields are filled, those with defaults too."""
    if hint in PLAIN:
        return PLAIN[hint]
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(st.none() if part is type(None) else anything(part) for part in inner)
    if origin is tuple:
        return st.lists(anything(inner[0]), max_size=3).map(tuple)
    if origin is frozenset:
        return st.frozensets(anything(inner[0]), max_size=4)
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(anything(inner[0]), anything(inner[1]), max_size=4)
    if issubclass(hint, Enum):
        return st.sampled_from(hint)
    hints = typing.get_type_hints(hint)
    names = [each.name for each in fields(hint)] if is_dataclass(hint) else hint._fields
    return st.builds(hint, **{name: anything(hints[name]) for name in names})
