"""What is believed of each deployment at each task: success and token use, never price.

Evidence is kept as discounted sums, so replicas merge by adding and a late reward counts as if
it had come in time. Evidence ages with the latest reward of its route, not with the clock: where
nothing is learnt, nothing is forgotten, and the same rows give the same belief.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scipy import special

from windsock.core.drift import KEEP_DOWN, KEEP_RESTORED, KEEP_UP, Finding, Mode, Watch
from windsock.core.pooling import Pool, pool
from windsock.core.records import Cell, Shift
from windsock.core.units import Meter, Usage

USAGE_METERS = (
    Meter.INPUT,
    Meter.CACHE_READ,
    Meter.CACHE_WRITE,
    Meter.OUTPUT,
    Meter.REASONING,
    Meter.IMAGE,
    Meter.WEB_SEARCH,
)
PROMPT_METERS = (Meter.INPUT, Meter.CACHE_READ, Meter.CACHE_WRITE)
LEAST_PARAMETER = 0.5
"""Weights are exact from here on; below, both parameters are raised and the mean is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeliefSettings:
    """How belief is formed.

    half_life_s         after which a reward counts half
    evidence_cap        most rewards a belief rests on, so that it stays movable
    prior_mean          success of a deployment and task of which nothing is known
    prior_strength      rewards that the pooled prior is worth
    usage_cap           most requests a token mix rests on
    watches_drift       look for silent changes of quality
    prompt_tokens, completion_tokens    of a request of which nothing is known
    """

    half_life_s: float = 14 * 86_400.0
    evidence_cap: float = 600.0
    prior_mean: float = 0.75
    prior_strength: float = 4.0
    usage_cap: float = 600.0
    watches_drift: bool = True
    prompt_tokens: float = 500.0
    completion_tokens: float = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One belief for people: mean success, its 90 % interval, discounted rewards behind it."""

    mean: float
    low: float
    high: float
    effective_samples: float


class Row:
    """Discounted sums of one deployment at one task, as of `at` (unix s).

    n, s, q2    rewards, their sum, the sum of their squares
    un, units   requests with known usage, and their units by meter, as of `used_at`
    """

    __slots__ = ("at", "n", "q2", "s", "un", "units", "used_at")

    def __init__(self) -> None:
        self.n = self.s = self.q2 = self.un = 0.0
        self.at = self.used_at = -float("inf")
        self.units: list[float] | None = None

    def add(self, value: float, weight: float, at: float, settings: BeliefSettings) -> None:
        weight *= self._advance(at, settings.half_life_s)
        self.n = max(0.0, self.n + weight)
        self.s = min(self.n, max(0.0, self.s + weight * value))
        self.q2 = min(self.s, max(0.0, self.q2 + weight * value * value))
        if self.n > settings.evidence_cap:
            self._scale(settings.evidence_cap / self.n)

    def add_usage(self, counts: Mapping[Meter, float], at: float, settings: BeliefSettings) -> None:
        units = self.units or [0.0] * len(USAGE_METERS)
        keep, weight = _discounts(self.used_at, at, settings.half_life_s)
        self.used_at = max(self.used_at, at)
        self.un = self.un * keep + weight
        spare = min(1.0, settings.usage_cap / self.un)
        self.un *= spare
        self.units = [
            (unit * keep + weight * counts.get(meter, 0.0)) * spare
            for unit, meter in zip(units, USAGE_METERS, strict=True)
        ]

    def _advance(self, at: float, half_life_s: float) -> float:
        keep, weight = _discounts(self.at, at, half_life_s)
        if keep != 1.0:
            self._scale(keep)
        self.at = max(self.at, at)
        return weight

    def _scale(self, factor: float) -> None:
        self.n *= factor
        self.s *= factor
        self.q2 *= factor


def _discounts(then: float, at: float, half_life_s: float) -> tuple[float, float]:
    """What the old sum keeps and what the new item counts, both referred to the later time."""
    if at >= then:
        return (1.0 if at == then else 2.0 ** ((then - at) / half_life_s)), 1.0
    return 1.0, float(2.0 ** ((at - then) / half_life_s))


class _Group:
    """All rows of one (namespace, route), which inform each other."""

    __slots__ = ("as_of", "changes", "pool", "pooled_at", "rows", "watches")

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self.watches: dict[str, Watch] = {}
        self.as_of = -float("inf")
        self.changes = 0
        self.pooled_at = -1
        self.pool: Pool | None = None


class Beliefs:
    """Every belief of the router. Rewards and counted use enter; prices never do."""

    def __init__(self, settings: BeliefSettings = BeliefSettings()) -> None:
        self.settings = settings
        self._groups: dict[tuple[str, str], _Group] = {}
        self._shifts: list[Shift] = []

    def observe(
        self, cell: Cell, deployment: str, value: float, *, weight: float = 1.0, now: float
    ) -> None:
        """Count a reward in 0..1 as `weight` rewards, observed at `now`."""
        group, row = self._open(cell, deployment)
        finding = None
        if self.settings.watches_drift and group.pool is not None:
            finding = self._watch(group, cell, deployment, row, value, weight)
        row.add(value, weight, now, self.settings)
        group.as_of = max(group.as_of, now)
        group.changes += 1
        if finding is not None:
            self._act(group, cell, deployment, finding, now)

    def mode(self, cell: Cell, deployment: str) -> Mode:
        """Whether the quality of a deployment is steady, in doubt or lost."""
        group = self._groups.get(cell[:2])
        watch = group.watches.get(deployment) if group else None
        return watch.mode if watch else Mode.STEADY

    def drain(self) -> list[Shift]:
        """Changes of quality found since the last call, oldest first."""
        shifts, self._shifts = self._shifts, []
        return shifts

    def undo(self, namespace: str, route: str, deployment: str) -> bool:
        """Take back an alarm: the belief from before it holds again. False if there was none."""
        group = self._groups.get((namespace, route))
        watch = group.watches.get(deployment) if group else None
        if group is None or watch is None or not watch.saved:
            return False
        self._restore(group, deployment, watch, self.settings.evidence_cap)
        return True

    def retract(
        self,
        cell: Cell,
        deployment: str,
        value: float,
        *,
        weight: float = 1.0,
        now: float,
        observed_at: float | None = None,
    ) -> None:
        """Take back a reward, discounted since `observed_at` (`now` if not known)."""
        at = now if observed_at is None else observed_at
        group, row = self._open(cell, deployment)
        row.add(value, -weight, at, self.settings)
        group.changes += 1

    def observe_usage(self, cell: Cell, deployment: str, usage: Usage, now: float) -> None:
        """Learn how many units of each meter one request consumes."""
        _, row = self._open(cell, deployment)
        row.add_usage(usage.counts(), now, self.settings)

    def mix(
        self, cell: Cell, deployment: str, *, prompt_tokens: float | None = None
    ) -> dict[Meter, float]:
        """Expected units of one request by meter.

        prompt_tokens   if given, prompt meters are scaled to sum to it
        """
        units = self._typical_units(cell, deployment)
        if units is None:
            prompt = prompt_tokens or self.settings.prompt_tokens
            return {
                Meter.INPUT: prompt,
                Meter.OUTPUT: self.settings.completion_tokens,
                Meter.REQUEST: 1.0,
            }
        mix = dict(zip(USAGE_METERS, units, strict=True))
        if prompt_tokens is not None:
            _rescale_prompt(mix, prompt_tokens)
        mix[Meter.REQUEST] = 1.0
        return mix

    def posterior(self, cell: Cell, deployment: str, now: float) -> tuple[float, float]:
        """Beta parameters of mean success. `now` only bounds what may be known."""
        group = self._groups.get(cell[:2])
        if group is not None and group.pooled_at != group.changes:
            self._pool(group)
        return self._beta(group, cell, deployment)

    def summary(self, cell: Cell, deployment: str, now: float) -> Summary:
        """One belief for people, from the pool of the last posterior."""
        group = self._groups.get(cell[:2])
        if group is not None and group.pool is None:
            self._pool(group)
        a, b = self._beta(group, cell, deployment)
        return Summary(
            mean=a / (a + b),
            low=float(special.betaincinv(a, b, 0.05)),
            high=float(special.betaincinv(a, b, 0.95)),
            effective_samples=self._evidence(group, cell, deployment),
        )

    def tasks(self, namespace: str, route: str) -> dict[str, float]:
        """Known tasks of a route, each with its share of recent requests or rewards."""
        group = self._groups.get((namespace, route))
        if group is None:
            return {}
        counts: dict[str, float] = {}
        for (task, _), row in group.rows.items():
            counts[task] = counts.get(task, 0.0) + max(row.n, row.un)
        total = sum(counts.values()) or 1.0
        return {task: count / total for task, count in counts.items()}

    def to_state(self) -> dict[str, Any]:
        """JSON-able, exact: `from_state` of it gives the same beliefs bit for bit."""
        return {
            "settings": asdict(self.settings),
            "groups": [
                {
                    "namespace": namespace,
                    "route": route,
                    "as_of": _finite(group.as_of),
                    "rows": [[*key, *_row_state(row)] for key, row in sorted(group.rows.items())],
                    "watches": {
                        name: watch.to_state() for name, watch in sorted(group.watches.items())
                    },
                }
                for (namespace, route), group in sorted(self._groups.items())
            ],
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over the rows of `to_state`; the settings stay those of this object."""
        self._groups = {}
        for body in state["groups"]:
            group = self._groups[body["namespace"], body["route"]] = _Group()
            group.as_of = _infinite(body["as_of"])
            for task, deployment, *fields in body["rows"]:
                group.rows[task, deployment] = _row_of(fields)
            for name, fields in body["watches"].items():
                group.watches[name] = Watch.from_state(fields)

    def merge(self, delta: Mapping[str, Any]) -> None:
        """Add another replica's sums (its `to_state` since the last merge) to these."""
        for body in delta["groups"]:
            key = (body["namespace"], body["route"])
            group = self._groups.setdefault(key, _Group())
            group.as_of = max(group.as_of, _infinite(body["as_of"]))
            for task, deployment, *fields in body["rows"]:
                mine = group.rows.setdefault((task, deployment), Row())
                _add_rows(mine, _row_of(fields), self.settings)
            group.changes += 1

    def _open(self, cell: Cell, deployment: str) -> tuple[_Group, Row]:
        group = self._groups.get(cell[:2])
        if group is None:
            group = self._groups[cell[:2]] = _Group()
        key = (cell[2], deployment)
        row = group.rows.get(key)
        if row is None:
            row = group.rows[key] = Row()
        return group, row

    def _watch(
        self,
        group: _Group,
        cell: Cell,
        deployment: str,
        row: Row,
        value: float,
        weight: float,
    ) -> Finding | None:
        watch = group.watches.get(deployment)
        if watch is None:
            watch = group.watches[deployment] = Watch()
        if row.n < 1.0:
            return None
        a, b = self._beta(group, cell, deployment)
        mean = a / (a + b)
        phi = dispersion(row.n, row.s, row.q2)
        saved = watch.saved.get(cell[2])
        before = saved[1] / saved[0] if saved and saved[0] else mean
        return watch.see(value, mean, phi, row.n, weight, before)

    def _act(
        self, group: _Group, cell: Cell, deployment: str, finding: Finding, now: float
    ) -> None:
        """Change the belief of every task of a deployment after a finding, and tell of it."""
        watch = group.watches[deployment]
        side = watch.down if finding is Finding.WORSE else watch.up
        facts = {
            "namespace": cell[0],
            "route": cell[1],
            "finding": finding.value,
            "statistic": side.statistic,
            "shift": side.shift,
            "rewards": side.count,
        }
        rows = {task: row for (task, name), row in group.rows.items() if name == deployment}
        if finding is Finding.WORSE:
            if watch.mode is Mode.STEADY:
                watch.saved = {task: _row_state(row) for task, row in rows.items()}
            _move(rows.values(), watch.down.shift, KEEP_DOWN)
            watch.begin_doubt()
        elif finding is Finding.BETTER:
            _move(rows.values(), watch.up.shift, KEEP_UP)
            watch.settle(Mode.STEADY)
        elif finding is Finding.CONFIRMED:
            watch.settle(Mode.LOST)
        else:
            cap = KEEP_RESTORED if finding is Finding.RECOVERED else self.settings.evidence_cap
            self._restore(group, deployment, watch, cap)
        self._shifts.append(
            Shift(kind="quality.drifted", deployment=deployment, at=now, facts=facts)
        )
        group.changes += 1

    def _restore(self, group: _Group, deployment: str, watch: Watch, cap: float) -> None:
        """Put the evidence from before an alarm back, `cap` rewards at most per task."""
        for task, fields in watch.saved.items():
            row = group.rows[task, deployment]
            kept = _row_of(fields)
            row.n, row.s, row.q2, row.at = kept.n, kept.s, kept.q2, kept.at
            if row.n > cap:
                row._scale(cap / row.n)
        watch.settle(Mode.STEADY)
        group.changes += 1

    def _pool(self, group: _Group) -> None:
        settings = self.settings
        aged = {
            key: (row.n * (age := self._age(group, row)), row.s * age)
            for key, row in group.rows.items()
        }
        group.pool = pool(aged, prior_mean=settings.prior_mean)
        group.pooled_at = group.changes

    def _age(self, group: _Group, row: Row) -> float:
        return 2.0 ** ((row.at - group.as_of) / self.settings.half_life_s) if row.n else 0.0

    def _beta(self, group: _Group | None, cell: Cell, deployment: str) -> tuple[float, float]:
        settings = self.settings
        row = group.rows.get((cell[2], deployment)) if group else None
        mean = settings.prior_mean
        if group is not None and group.pool is not None:
            mean = group.pool.mean(cell[2], deployment)
        a, b, phi = settings.prior_strength * mean, settings.prior_strength * (1 - mean), 1.0
        if group is not None and row is not None:
            age = self._age(group, row)
            a, b = a + row.s * age, b + (row.n - row.s) * age
            phi = dispersion(row.n * age, row.s * age, row.q2 * age)
        lift = max(1.0, LEAST_PARAMETER * phi / min(a, b)) / phi
        return a * lift, b * lift

    def _evidence(self, group: _Group | None, cell: Cell, deployment: str) -> float:
        row = group.rows.get((cell[2], deployment)) if group else None
        return row.n * self._age(group, row) if group and row else 0.0

    def _typical_units(self, cell: Cell, deployment: str) -> list[float] | None:
        """Units per request here, else at this task elsewhere, else of this deployment."""
        group = self._groups.get(cell[:2])
        if group is None:
            return None
        row = group.rows.get((cell[2], deployment))
        if row is not None and row.units is not None:
            return [unit / row.un for unit in row.units]
        near = [row for (task, _), row in group.rows.items() if task == cell[2]]
        return _average_units(near) or _average_units(group.rows.values())


def dispersion(n: float, s: float, q2: float) -> float:
    """Variance of graded rewards over that of 0/1 rewards with the same mean, 0.02..1.

    Shrunk to 1 with the weight of 10 rewards.
    """
    spread = s * (n - s) / n if n > 0 else 0.0
    if spread <= 0:
        return 1.0
    ratio = (q2 - s * s / n) / spread
    return min(1.0, max(0.02, (10.0 + n * ratio) / (10.0 + n)))


def _move(rows: Iterable[Row], shift: float, keep: float) -> None:
    """Shrink the evidence of rows to `keep` and move its mean by `shift`."""
    for row in rows:
        if row.n <= 0:
            continue
        phi = dispersion(row.n, row.s, row.q2)
        mean = min(0.99, max(0.01, row.s / row.n + shift))
        row.n = min(row.n, keep)
        row.s = row.n * mean
        row.q2 = row.n * (mean * mean + phi * mean * (1 - mean))


def _rescale_prompt(mix: dict[Meter, float], prompt_tokens: float) -> None:
    had = sum(mix[meter] for meter in PROMPT_METERS)
    for meter in PROMPT_METERS:
        mix[meter] = mix[meter] * prompt_tokens / had if had else 0.0
    if not had:
        mix[Meter.INPUT] = prompt_tokens


def _average_units(rows: Iterable[Row]) -> list[float] | None:
    used = [row for row in rows if row.units is not None]
    total = sum(row.un for row in used)
    if not total:
        return None
    columns = zip(*(row.units or () for row in used), strict=True)
    return [sum(column) / total for column in columns]


def _add_rows(mine: Row, other: Row, settings: BeliefSettings) -> None:
    if other.n:
        weight = mine._advance(other.at, settings.half_life_s)
        mine.n += weight * other.n
        mine.s += weight * other.s
        mine.q2 += weight * other.q2
        if mine.n > settings.evidence_cap:
            mine._scale(settings.evidence_cap / mine.n)
    if other.units is not None:
        keep, weight = _discounts(mine.used_at, other.used_at, settings.half_life_s)
        had = mine.units or [0.0] * len(USAGE_METERS)
        mine.used_at = max(mine.used_at, other.used_at)
        mine.un = mine.un * keep + other.un * weight
        spare = min(1.0, settings.usage_cap / mine.un)
        mine.un *= spare
        mine.units = [
            (x * keep + y * weight) * spare for x, y in zip(had, other.units, strict=True)
        ]


def _row_state(row: Row) -> list[Any]:
    return [row.n, row.s, row.q2, _finite(row.at), row.un, _finite(row.used_at), row.units]


def _row_of(fields: list[Any]) -> Row:
    row = Row()
    row.n, row.s, row.q2, at, row.un, used_at, units = fields
    row.at, row.used_at = _infinite(at), _infinite(used_at)
    row.units = None if units is None else list(units)
    return row


def _finite(at: float) -> float | None:
    return at if at > -float("inf") else None


def _infinite(at: float | None) -> float:
    return -float("inf") if at is None else at
