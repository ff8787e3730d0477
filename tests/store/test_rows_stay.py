"""What a batch leaves in the store, row for row: others read it, and older versions do.

Made anew, where rows are to change, by `python -m tests.store.test_rows_stay`.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, inspect, text

from tests.builders import CHEAP, START, quote
from tests.store.samples import call, decision, feedback, outcome, shift, table
from windsock.core.model.calls import Attempt, AttemptReason, CallKind, Then, Verdict
from windsock.core.model.decisions import (
    ArmFacts,
    CascadeFacts,
    ConversationFacts,
    PromptSizes,
    SeatFacts,
)
from windsock.core.model.exclusions import Exclusion, ExclusionCode
from windsock.core.model.requests import Cell, Unsupported
from windsock.core.model.ticks import HealthReport, HealthState
from windsock.core.model.units import Usage
from windsock.core.pricing.validation import Held
from windsock.core.replicas.deltas import Delta
from windsock.store.engine import open_engine
from windsock.store.migrations import upgrade_engine
from windsock.store.rows import Entry, StateSnapshot, Uncalled, UncalledKind
from windsock.store.writing.writer import Writer

KEPT = Path(__file__).parent / "data" / "rows.json"
SERIES = "SELECT * FROM series"
BESIDE = {"alembic_version", "writer", "series"}
"""Tables that hold nothing of an entry, or are told with the others."""

USAGE = Usage(input_tokens=240, cache_read_tokens=7, output_tokens=50, reasoning_tokens=3)
STRONG = "openai/strong"


def attempt(number: int, reason: AttemptReason, **facts: Any) -> Attempt:
    return Attempt(number=number, deployment=(CHEAP, STRONG)[number % 2], reason=reason, **facts)


def answered(number: int, *, cost: str = "0.00416", **facts: Any) -> Entry:
    """As most are: the answer's use is the request's, and so is its cost."""
    at = START + number + 0.125
    about = decision(number, id=f"{number:024x}", at=at, propensity=0.17220590382343945)
    begun = attempt(0, AttemptReason.FIRST, started_at=at + 0.001, timeout_s=60.0)
    usage = facts.pop("usage", USAGE)
    result = call(
        attempt=begun,
        latency_s=0.0007321439989027567,
        status=200,
        first_byte_s=0.0006,
        usage=usage,
        served_model="m",
        finish_reason="stop",
        response_id=f"chatcmpl-{number}",
        cost_usd=Decimal(cost),
    )
    return outcome(
        number,
        decision=about,
        results=(result,),
        usage=usage,
        cost_usd=facts.pop("cost_usd", result.cost_usd),
        finished_at=at + 0.00390625,
        **facts,
    )


def troubled(number: int) -> Entry:
    """Refused, asked again, escalated; billed, doubted, adapted; slow."""
    refusal = Verdict(kind=CallKind.REFUSED, then=Then.MENDED, field="tools.0")
    unsupported = (Unsupported(field="tools"), Unsupported(field="n", value=2, most=1))
    doubted = {"billed_usd": Decimal("9.5"), "is_bill_doubted": True}
    billed = {"billed_usd": Decimal("0.0041"), "counted_usd": Decimal("0.00416")}
    results = (
        call(attempt=attempt(0, AttemptReason.FIRST), kind=CallKind.REFUSED, usage=None, status=400,
             refusal=refusal, unsupported=unsupported,
             note="error 7 of 12", cost_usd=Decimal(0)),
        call(attempt=attempt(1, AttemptReason.MENDED, not_before=START + 1), adapted=("tools", "n"),
             usage=Usage(output_tokens=1), cost_usd=Decimal("0.0001"), usage_doubt="few", **billed),
        call(attempt=attempt(2, AttemptReason.ESCALATION), latency_s=70.0, held_s=3.5, agrees=False,
             usage=USAGE, is_usage_estimated=True, cost_usd=Decimal("1E+3"), confidence=1.0,
             **doubted),
    )  # fmt: skip
    about = decision(
        number,
        id=f"{number:024X}",
        cell=Cell("team", "auto", "sql", "3.1"),
        key_id="k1",
        features=(0.5, -0.0, 1.0),
        escalates_to=STRONG,
        known_as="a b a",
        conversation=conversation(),
    )
    return outcome(
        number,
        decision=about,
        results=results,
        served=STRONG,
        usage=USAGE,
        cost_usd=Decimal("1000.0001"),
        latency_s=75.0,
    )


def conversation() -> ConversationFacts:
    seat = SeatFacts(
        deployment=CHEAP,
        weight=0.25,
        held_tokens=10,
        held_until=START,
        hit_rate=1.0,
        turn_usd=0.0,
        next_usd=2.0,
        saved_usd=-0.0,
    )
    return ConversationFacts(
        session="s1",
        kind="user",
        is_shared=False,
        turn=2,
        prompt_tokens=9,
        estimated_tokens=8,
        turns_left=1.5,
        home=None,
        seats=(seat, replace(seat, deployment=STRONG, held_until=None)),
    )


def weighed(version: int) -> Entry:
    arms = tuple(
        ArmFacts(
            deployment=name,
            weight=weight,
            success_mean=0.5,
            success_low=0.0,
            success_high=1.0,
            effective_samples=3.0,
            expected_usd=0.25,
            input_usd_per_mtok=Decimal("1.50"),
            quote_feed="sheet",
            quote_seen_at=START,
            price_age_s=12.5,
            limits=("floor",),
        )
        for name, weight in ((CHEAP, 0.75), (STRONG, 0.25))
    )
    cascade = CascadeFacts(
        deployment=CHEAP, to=STRONG, weight=0.1, success_mean=0.5, expected_usd=0.5, escalated=0.5,
        unsure=0.0, wrong_found=1.0, right_passed=0.5, judged=20.0, gain=0.125,
    )  # fmt: skip
    return replace(
        table(version),
        deployments=(CHEAP, STRONG),
        weights=(0.75, 0.25),
        cumulative=(0.75, 1.0),
        arms=arms,
        ruled_out={"acme/x": Exclusion(ExclusionCode.UNPRICED, "no price")},
        value_usd=0.5,
        cascades=(cascade,),
        size=PromptSizes(from_tokens=0, below_tokens=100, share=0.5),
    )


def batches() -> list[list[Entry]]:
    """Records of every kind, alike and not."""
    plain = [answered(number) for number in range(3)]
    odd = [
        answered(10, cost_usd=None),
        answered(11, cost="1"),
        answered(12, cost_usd=Decimal("0.004160")),
        answered(13, cost="0.000000000000000000001"),
        answered(14, usage=None),
        outcome(15),
        outcome(16, ok=False, served=None, results=(), cost_usd=Decimal(0)),
        outcome(17, results=(call(usage=USAGE),), usage=Usage(input_tokens=1), is_cached=True),
        outcome(18, cost_usd=Decimal("1e-40"), latency_s=0.1),
        outcome(19, decision=decision(19, at=1.0), finished_at=2.0),
    ]
    others: list[Entry] = [
        decision(20, key_id="k1", features=(1.5,)),
        weighed(1),
        table(2),
        feedback(16, 0.5, idempotency_key="once"),
        feedback(17, 1.0, source="judge", key_id="k1", weight=0.5),
        quote(),
        Held(quote=quote(seen_at=START + 1), reason="far", since=START, polls=1, needs=3),
        HealthReport(subject="acme", feed="board", state=HealthState.DOWN, seen_at=START, note="x"),
        shift(1, before=1.5, after=None, names=["a"]),
        Uncalled(at=START, kind=UncalledKind.REFUSED, namespace="default", route="auto",
                 task="chat", key_id=None, cause="cap", requests=3),
        Uncalled(at=START, kind=UncalledKind.CACHED, namespace="default", route="auto",
                 task="chat", key_id="k1", deployment=CHEAP, saved_usd=Decimal("0.25")),
        StateSnapshot(START, b"state"),
        Delta(replica="a", number=1, at=START),
    ]  # fmt: skip
    mixed = [*plain, troubled(5), *odd, *others, answered(6), troubled(7)]
    return [mixed, [answered(30), feedback(6, 0.25, metric="tone"), feedback(15, 0.0)]]


def left_in(engine: Engine) -> dict[str, list[list[Any]]]:
    """All rows by table; bytes as hex, and series, which are numbered in no order, by name."""
    writer = Writer(engine)
    assert [writer.write(each) for each in batches()] == [0, 0]
    writer.close()
    found = {}
    with engine.connect() as connection:
        names = {row[0]: "|".join(row[2:]) for row in connection.execute(text(SERIES))}
        for table_name in sorted({*inspect(engine).get_table_names()} - BESIDE):
            rows = connection.execute(text(f"SELECT * FROM {table_name}")).mappings().all()
            if rows:
                found[table_name] = sorted((plain(row, names) for row in rows), key=repr)
    return found


def plain(row: Mapping[str, Any], names: Mapping[int, str]) -> list[Any]:
    numbered = {"series", "cell"}
    values = (names[value] if name in numbered else value for name, value in row.items())
    return [value.hex() if isinstance(value, bytes) else value for value in values]


def test_a_batch_leaves_the_rows_that_it_always_left(file_engine: Engine) -> None:
    left, kept = left_in(file_engine), json.loads(KEPT.read_text())
    assert {"request", "shape", "request_sums", "call_sums", "delay_sums"} < {*left}
    assert left == kept


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = open_engine(f"sqlite:///{folder}/store.db")
        upgrade_engine(made)
        rows = left_in(made)
        made.dispose()
    lines = [
        json.dumps(name) + ": [\n" + ",\n".join(map(json.dumps, found)) + "\n]"
        for name, found in rows.items()
    ]
    KEPT.write_text("{\n" + ",\n".join(lines) + "\n}\n")
