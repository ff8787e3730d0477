"""The published ParetoBandit package (arXiv 2604.00136) behind the same protocol."""

from __future__ import annotations

import copy
import logging
import tempfile
from collections import deque
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from windsock.core.model.decisions import Decision
from windsock.core.model.requests import RouteRequest
from windsock.core.model.rewards import Reward
from windsock.core.model.units import Meter, to_float
from windsock.core.policies.protocol import BasePolicy, Weighing
from windsock.core.policies.views import CellView
from windsock.errors import ConfigError
from windsock.simulation.engines.baselines import best_mixture
from windsock.simulation.world.world import World

OPEN = 2000
"""Routings per task and model that may still be judged."""

LEAST_USD_PER_MTOK = 1e-6

PARETOBANDIT, INSTALL = "pareto_bandit", "pip install paretobandit"
"""The module, and what brings it."""


class ParetoBandit(BasePolicy):
    """LinUCB with a budget pacer, as published: alpha and forgetting of its paper, no priors.

    Its features are the task, one-hot, which is all that these worlds know of a prompt. It wants
    a budget instead of a floor, and is told what perfect play would cost per request.
    """

    name = "paretobandit"
    is_contextual = True
    is_varying = True

    def __init__(self, world: World, quality_floor: float) -> None:
        self._world = world
        self._floor = quality_floor
        self._tasks = list(world.scenario.tasks)
        self._open: dict[tuple[str, str], deque[Any]] = {}
        self._told: dict[str, tuple[float, float]] = {}

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """All to the model that its router draws, which then waits for the request's reward."""
        self._tell_prices(view, now)
        model, log = self._router.route(self._context(view.cell.task))
        if request is not None:
            self._open.setdefault((view.cell.task, model), deque(maxlen=OPEN)).append(log)
        index = view.deployments.index(model) if model in view.deployments else 0
        return Weighing(weights=tuple(float(k == index) for k in range(len(view.deployments))))

    def preview(self, views: Sequence[CellView] | None, view: CellView, now: float) -> Weighing:
        """Asks a copy: its router learns from being asked, and draws by a chance of its own."""
        kept, told = self._router, dict(self._told)
        self._router = _copied(kept)
        try:
            return self.weigh(view, now)
        finally:
            self._router, self._told = kept, told

    def learn(self, decision: Decision, deployment: str, reward: Reward, now: float) -> None:
        """Credit one open routing of this task to this model: all of them look alike to it."""
        waiting = self._open.get((decision.cell.task, deployment))
        if waiting:
            log = waiting.popleft()
            log.cost_usd = self._world.usd(deployment, decision.cell.task, now)
            self._router.process_feedback(log.request_id, reward=reward.value)

    def _context(self, task: str) -> Any:
        context = np.zeros(len(self._tasks) + 1)
        context[self._tasks.index(task)] = context[-1] = 1.0
        return context

    def _tell_prices(self, view: CellView, now: float) -> None:
        """Models and prices as they are; it needs them above zero."""
        for name in view.deployments:
            price = self._price(name, now)
            if name not in self._told:
                self._router.register_model(
                    name, input_cost_per_m=price[0], output_cost_per_m=price[1]
                )
            elif self._told[name] != price:
                self._router.update_model_pricing(
                    name, input_cost_per_m=price[0], output_cost_per_m=price[1]
                )
            self._told[name] = price

    def _price(self, name: str, now: float) -> tuple[float, float]:
        prices = self._world.prices(name, now)
        usd_in, usd_out = (to_float(prices[meter]) for meter in (Meter.INPUT, Meter.OUTPUT))
        return max(usd_in, LEAST_USD_PER_MTOK), max(usd_out, LEAST_USD_PER_MTOK)

    @cached_property
    def _router(self) -> Any:
        """Its router, made with the models of the start; raises ConfigError if it is missing."""
        try:
            import joblib
            from pareto_bandit import BanditRouter
            from pareto_bandit.budget_pacer import BudgetPacer, PacingMode
            from pareto_bandit.feature_service import FeatureService
        except ImportError as error:
            raise ConfigError(f"the policy 'paretobandit' needs a package; {INSTALL}") from error
        logging.getLogger("pareto_bandit").setLevel(logging.ERROR)
        world, at = self._world, self._world.starts_at
        names = [name for name in world.names if world.exists(name, at)]
        size = len(self._tasks) + 1
        self._told = {name: self._price(name, at) for name in names}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "priors.joblib"
            joblib.dump({"A": {name: np.eye(size) for name in names},
                         "b": {name: np.zeros(size) for name in names}}, path)  # fmt: skip
            return BanditRouter.create(
                model_registry={
                    name: {"input_cost_per_m": price[0], "output_cost_per_m": price[1]}
                    for name, price in self._told.items()
                },
                feature_service=FeatureService.for_precomputed(size),
                priors=str(path),
                prior_n_effective=float(size),
                alpha=0.01,
                forgetting_factor=0.997,
                cost_penalty=0.0,
                budget_pacer=BudgetPacer(self._budget_usd(), mode=PacingMode.ADAPTIVE),
                bandit_seed=world.seed,
            )

    def _budget_usd(self) -> float:
        """What perfect play costs per request at the start."""
        world, at = self._world, self._world.starts_at
        names = [name for name in world.names if world.exists(name, at)]
        total = shares = 0.0
        for task, kind in world.scenario.tasks.items():
            rates = [world.quality(name, task, at) for name in names]
            usd = [world.usd(name, task, at) for name in names]
            weights = best_mixture(rates, usd, self._floor)
            total += kind.share * sum(w * u for w, u in zip(weights, usd, strict=True))
            shares += kind.share
        return total / shares


def _copied(router: Any) -> Any:
    """The package's own copy leaves out every lock but that of its pacer, which gets a new one."""
    lock = router.budget_pacer._lock
    return copy.deepcopy(router, {id(lock): RLock()})
