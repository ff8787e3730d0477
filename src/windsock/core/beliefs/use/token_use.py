"""How many units of each meter a request takes, by task and deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import numpy as np

from windsock.core.beliefs.benchmark_priors import BenchmarkPriors
from windsock.core.beliefs.proxies.hearing import Proxy
from windsock.core.beliefs.route_beliefs import RouteBeliefs
from windsock.core.beliefs.statistics import BeliefSettings, RewardStatistics
from windsock.core.beliefs.token_mix import mix_of, typical_units, units_of
from windsock.core.model.abilities.modes import FIRST_UNITS
from windsock.core.model.arrays import FloatArray
from windsock.core.model.requests import Cell
from windsock.core.model.units import MIX_METERS, Counts, Meter, Usage

NEVER_ASKED = RewardStatistics()
"""Of a deployment without a row of its own; nobody learns into it."""


class TokenUse:
    """Counted use of every route; it stands in the rows in which rewards stand, too."""

    def __init__(self, settings: BeliefSettings, published: BenchmarkPriors) -> None:
        self.settings = settings
        self.published = published
        self._groups: dict[tuple[str, str], RouteBeliefs] = {}
        self._ask: Callable[[str, str, float], Sequence[Proxy]] = lambda *_: ()

    def observe_usage(self, cell: Cell, deployment: str, usage: Usage, now: float) -> None:
        """Learn how many units of each meter one request consumes."""
        self._row(cell, deployment).observe_units(usage.mix(), 1.0, now, self.settings)

    def observe_usages(
        self,
        cell: Cell,
        deployment: str,
        counts: Mapping[Meter, float],
        requests: float,
        now: float,
    ) -> None:
        """Learn from `requests` requests at once, which took `counts` in all."""
        self.observe_units(cell, deployment, units_of(counts), requests, now)

    def observe_units(
        self, cell: Cell, deployment: str, units: Sequence[float], requests: float, now: float
    ) -> None:
        """The same, by MIX_METERS."""
        self._row(cell, deployment).observe_units(units, requests, now, self.settings)

    def mix(
        self, cell: Cell, deployment: str, *, prompt_tokens: float | None = None
    ) -> dict[Meter, float]:
        """Expected units of one request by meter; prompt meters sum to `prompt_tokens` if given."""
        group = self._groups.get(cell[:2])
        units = typical_units(group.rows, cell.name, deployment) if group else None
        if units is None and cell.task in FIRST_UNITS:
            return dict(FIRST_UNITS[cell.task])
        if units is None:
            sent = prompt_tokens or self.settings.prompt_tokens
            received = self.settings.completion_tokens
            return {Meter.INPUT: sent, Meter.OUTPUT: received, Meter.REQUEST: 1.0}
        return mix_of(units, prompt_tokens)

    def counted(self, cell: Cell, deployment: str) -> object | None:
        """Stands for what was counted of a deployment at a task: another object once that is more;
        None where nothing was."""
        group = self._groups.get(cell[:2])
        row = group.rows.get((cell.name, deployment)) if group else None
        return None if row is None else row.units

    def mixes(self, cell: Cell, deployments: Iterable[str]) -> dict[str, Counts]:
        """`mix` of several, by name. Those that were never asked share one: it is taken from all
        rows of the task."""
        group = self._groups.get(cell[:2])
        rows, task = group.rows if group else {}, cell.name
        usual: Counts | None = None
        made: dict[str, Counts] = {}
        for name in deployments:
            row = rows.get((task, name), NEVER_ASKED)
            if (units := row.mean_units()) is not None:
                made[name] = mix_of(units, None)
                continue
            if usual is None:
                usual = self.mix(cell, name)
            made[name] = usual
        return made

    def units(
        self, cell: Cell, deployments: Sequence[str], *, prompt_tokens: float | None = None
    ) -> FloatArray:
        """(deployments, MIX_METERS and the request) of `mix`."""
        group = self._groups.get(cell[:2]) if prompt_tokens is None else None
        rows = {} if group is None else group.rows
        found = [rows.get((cell.name, name), NEVER_ASKED) for name in deployments]
        usual: list[float] = []
        sums = []
        for row, name in zip(found, deployments, strict=True):
            units = (
                row.units or usual or units_of(self.mix(cell, name, prompt_tokens=prompt_tokens))
            )
            if row.units is None and prompt_tokens is None:
                usual = units
            sums.append(units)
        requests = [row.requests if row.units else 1.0 for row in found]
        made = np.ones((len(sums), len(MIX_METERS) + 1))
        made[:, :-1] = sums
        made[:, :-1] /= np.array(requests)[:, None]
        return made

    def seed_usage(
        self, cell: Cell, deployment: str, *, factor: float, requests: float, now: float
    ) -> None:
        """Start a token mix as the deployment's own of all tasks, its answers `factor` as long."""
        self._open(cell).seed_usage(cell.name, deployment, factor, requests, now)

    def _row(self, cell: Cell, deployment: str) -> RewardStatistics:
        group = self._groups.get(cell[:2]) or self._open(cell)
        name = cell.name
        return group.rows.get((name, deployment)) or group.open(name, deployment)

    def _open(self, cell: Cell) -> RouteBeliefs:
        group = self._groups.get(cell[:2])
        if group is None:
            group = self._groups[cell[:2]] = self._new(cell[:2])
        return group

    def _new(self, key: tuple[str, str]) -> RouteBeliefs:
        hear = partial(self._heard, *key)
        return RouteBeliefs(self.settings, self.published, hear)

    def _heard(self, namespace: str, route: str, as_of: float) -> Sequence[Proxy]:
        return self._ask(namespace, route, as_of)
