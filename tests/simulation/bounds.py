"""expected.toml: what must hold for windsock on a scenario, and who must not be able to hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from windsock.resources.declared import Part, Share, moment, read_toml
from windsock.simulation.results.measures import RunSummary
from windsock.simulation.results.run import Run, Step
from windsock.simulation.world.conditions import Hour, Positive
from windsock.simulation.world.scenario import checked
from windsock.simulation.world.traffic import HOUR_S
from windsock.simulation.world.world import World


class ShareAt(Part):
    """Mean weight of a deployment over the requests of one span.

    at      hours from the start, or an ISO time
    task    of one task, or of all of them
    """

    at: Hour | str
    hours: Positive = 1.0
    deployment: str
    task: str | None = None
    least: Share = 0.0
    most: Share = 1.0

    @model_validator(mode="after")
    def _is_a_time(self) -> ShareAt:
        if isinstance(self.at, str):
            try:
                moment(self.at)
            except ValueError:
                raise ValueError(f"at {self.at!r} is not an ISO time") from None
        return self

    def hour(self, world: World) -> float:
        return world.hour(moment(self.at)) if isinstance(self.at, str) else self.at


class Bounds(Part):
    """
    least_success, most_success     of all requests, over the whole run
    most_spend_vs_flagship  spend over that of sending everything to the flagship
    most_cost_vs_oracle     cost per success over the clairvoyant's
    most_cost_vs_rules      cost per success over that of the hand-written rules
    most_cost_vs_deaf       cost per success over that of the same router without price feeds
    least_gain_vs_flagship  success over that of the flagship
    most_switch_s           from a feed showing a price until 90 % of its traffic had moved, of
                            every shock that asks for a move
    least_moves             shocks that ask for a move
    share_at                weights at moments
    most_usd_per_day        spend of any day
    least_realtime_kept     share of real-time requests whose first token kept below the ceiling
    most_attempts           per request
    broken_by               policies that break these bounds, which shows that they test something
    """

    least_success: Share | None = None
    most_success: Share | None = None
    most_spend_vs_flagship: Positive | None = None
    most_cost_vs_oracle: Positive | None = None
    most_cost_vs_rules: Positive | None = None
    most_cost_vs_deaf: Positive | None = None
    least_gain_vs_flagship: float | None = None
    most_switch_s: Annotated[float, Field(ge=0)] | None = None
    least_moves: Annotated[int, Field(ge=0)] | None = None
    share_at: tuple[ShareAt, ...] = ()
    most_usd_per_day: Positive | None = None
    least_realtime_kept: Share | None = None
    most_attempts: Positive | None = None
    broken_by: tuple[str, ...]

    @property
    def rivals(self) -> tuple[str, ...]:
        """Policies that these bounds are measured against."""
        asked = {
            "flagship": self.most_spend_vs_flagship or self.least_gain_vs_flagship is not None,
            "rules": self.most_cost_vs_rules,
            "deaf": self.most_cost_vs_deaf,
            "oracle": self.most_cost_vs_oracle,
        }
        return tuple(name for name, is_asked in asked.items() if is_asked)


def load_bounds(folder: Path) -> Bounds:
    """Raises ConfigError with one sentence naming file, key and mend."""
    path = folder / "expected.toml"
    return checked(path, read_toml(path), Bounds)


def broken(
    bounds: Bounds, world: World, run: Run, ours: RunSummary, rivals: Mapping[str, RunSummary]
) -> list[str]:
    """What a run does not keep, a sentence each; rivals of `bounds.rivals` by name."""
    low = [
        f"{name} is {found:.6g}, below {least:g}"
        for name, found, least in _least(bounds, ours, rivals)
        if found < least
    ]
    high = [
        f"{name} is {found:.6g}, above {most:g}"
        for name, found, most in _most(bounds, ours, rivals)
        if found > most
    ]
    return low + high + list(_wrong_shares(bounds, world, run))


def _least(
    bounds: Bounds, ours: RunSummary, rivals: Mapping[str, RunSummary]
) -> Iterator[tuple[str, float, float]]:
    """(name, found, least)"""
    if bounds.least_success is not None:
        yield "success", ours.success, bounds.least_success
    if bounds.least_gain_vs_flagship is not None:
        gain = ours.success - rivals["flagship"].success
        yield "gain over the flagship", gain, bounds.least_gain_vs_flagship
    if bounds.least_moves is not None:
        asked = sum(shock.is_asked for shock in ours.shocks)
        yield "number of shocks that ask for a move", asked, bounds.least_moves
    if bounds.least_realtime_kept is not None:
        yield "real-time requests kept", ours.realtime_kept or 0.0, bounds.least_realtime_kept


def _most(
    bounds: Bounds, ours: RunSummary, rivals: Mapping[str, RunSummary]
) -> Iterator[tuple[str, float, float]]:
    """(name, found, most)"""
    if bounds.most_success is not None:
        yield "success", ours.success, bounds.most_success
    if bounds.most_spend_vs_flagship is not None:
        share = ours.spend_usd / rivals["flagship"].spend_usd
        yield "spend over the flagship's", share, bounds.most_spend_vs_flagship
    for name, most in (
        ("oracle", bounds.most_cost_vs_oracle),
        ("rules", bounds.most_cost_vs_rules),
        ("deaf", bounds.most_cost_vs_deaf),
    ):
        if most is not None:
            ratio = ours.cost_per_success_usd / rivals[name].cost_per_success_usd
            yield f"cost per success over that of {name}", ratio, most
    if bounds.most_switch_s is not None:
        for shock in ours.shocks:
            if shock.is_asked:
                name = f"seconds until the traffic of {shock.deployment} had moved"
                took_s = float("inf") if shock.switch_s is None else shock.switch_s
                yield name, took_s, bounds.most_switch_s
    if bounds.most_usd_per_day is not None:
        yield "spend of a day", max(ours.usd_by_day), bounds.most_usd_per_day
    if bounds.most_attempts is not None:
        yield "attempts", ours.attempts_per_request, bounds.most_attempts


def _wrong_shares(bounds: Bounds, world: World, run: Run) -> Iterator[str]:
    for row in bounds.share_at:
        found = mean_share(run, world, row.hour(world), row.deployment, row.hours, row.task)
        if not row.least <= found <= row.most:
            yield (
                f"weight of {row.deployment} at {row.at} is {found:.3f}, "
                f"not {row.least:g} to {row.most:g}"
            )


def mean_share(
    run: Run,
    world: World,
    hour: float,
    deployment: str,
    hours: float = 1.0,
    task: str | None = None,
) -> float:
    """Mean weight of a deployment over the requests of some hours; nan if there were none.

    task    of one task, or of all of them
    """
    begin = world.starts_at + hour * HOUR_S
    seen = [
        (step.weights.get(deployment, 0.0), step.count * _inside(step, begin, hours * HOUR_S))
        for step in run.steps
        if task in (None, step.task)
    ]
    total = sum(count for _, count in seen)
    return sum(weight * count for weight, count in seen) / total if total else float("nan")


def _inside(step: Step, begin: float, span_s: float) -> float:
    """Share of a step's requests that came within a span."""
    if not step.span_s:
        return float(begin <= step.at < begin + span_s)
    overlap_s = min(step.at + step.span_s, begin + span_s) - max(step.at, begin)
    return max(0.0, overlap_s) / step.span_s
