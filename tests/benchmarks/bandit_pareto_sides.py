"""The two sides of the comparison, driven alike: choose, then learn reward and cost."""

from __future__ import annotations

import logging
import tempfile
from functools import cache
from pathlib import Path
from typing import Protocol

import joblib
import numpy as np

from tests.benchmarks.bandit_pareto_world import (
    CUT,
    MODELS,
    OLD,
    PRICES,
    FloatArray,
    Phase,
    Prompts,
    Setting,
    prompts,
)
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.context.segments import Segmenter
from windsock.core.model.requests import Cell
from windsock.core.model.units import Meter, Usage
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.views import CellView
from windsock.core.routing.sampling import uniform

WAYS = ("label", "features", "label and features")
"""What each side sees: the label for windsock and features for ParetoBandit; features for both,
no label; label and features for both."""

REFRESH = 20


class Side(Protocol):
    def price(self, factor: float) -> None: ...

    def add(self, model: str) -> None: ...

    def choose(self, split: Prompts, index: int) -> str: ...

    def learn(self, split: Prompts, index: int, model: str, reward: float, usd: float) -> None: ...


def context(split: Prompts, way: str) -> FloatArray:
    """(prompts, features), the constant last, as ParetoBandit wants it."""
    parts = [split.features]
    if way == "label and features":
        tasks = sorted(set(prompts("val").task))
        parts.append(np.array([[float(task == other) for other in tasks] for task in split.task]))
    return np.hstack([*parts, np.ones((len(split), 1))])


class ParetoBandit:
    """The package as published: tuned values of its paper, linear priors of all of val."""

    def __init__(self, setting: Setting, way: str, seed: int) -> None:
        from pareto_bandit import BanditRouter
        from pareto_bandit.budget_pacer import BudgetPacer, PacingMode
        from pareto_bandit.feature_service import FeatureService

        logging.getLogger("pareto_bandit").setLevel(logging.ERROR)
        self._context = {name: context(prompts(name), way) for name in ("val", "test")}
        x = self._context["val"]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "priors.joblib"
            joblib.dump(linear_priors(x), path)
            self._router = BanditRouter.create(
                model_registry={
                    model: {
                        "input_cost_per_m": PRICES[model][0],
                        "output_cost_per_m": PRICES[model][1],
                    }
                    for model in OLD
                },
                feature_service=FeatureService.for_precomputed(x.shape[1]),
                priors=str(path),
                prior_n_effective=1163.9,
                alpha=0.01,
                forgetting_factor=0.997,
                cost_penalty=0.0,
                budget_pacer=BudgetPacer(setting.budget, mode=PacingMode.ADAPTIVE),
                bandit_seed=seed,
            )
        self._log = None

    def price(self, factor: float) -> None:
        new = (0.1, 0.1) if factor == CUT else PRICES["gemini_pro"]
        self._router.update_model_pricing(
            "gemini_pro", input_cost_per_m=new[0], output_cost_per_m=new[1]
        )

    def add(self, model: str) -> None:
        self._router.register_model(
            model, input_cost_per_m=PRICES[model][0], output_cost_per_m=PRICES[model][1]
        )

    def choose(self, split: Prompts, index: int) -> str:
        model, self._log = self._router.route(self._context[split.name][index])
        return str(model)

    def learn(self, split: Prompts, index: int, model: str, reward: float, usd: float) -> None:
        self._log.cost_usd = usd
        self._router.process_feedback(self._log.request_id, reward=reward)


def linear_priors(x: FloatArray) -> dict[str, dict[str, FloatArray]]:
    gram = x.T @ x + np.eye(x.shape[1])
    reward = prompts("val").reward
    return {
        "A": {model: gram.copy() for model in OLD},
        "b": {model: x.T @ reward[:, MODELS.index(model)] for model in OLD},
    }


class Windsock:
    """The production beliefs and policy, refreshed every twenty outcomes."""

    def __init__(
        self, setting: Setting, way: str, seed: int, objective: Objective | None = None
    ) -> None:
        self.beliefs = Beliefs(BeliefSettings(half_life_s=1e9))
        budget = Objective(kind="budget", usd_per_request=setting.budget, explore=0.0)
        self.policy = PriceAware(self.beliefs, objective or budget)
        self._cells = cells_of(way)
        self._seed, self._number, self._factor = seed, 0, 1.0
        self._models: tuple[str, ...] = OLD
        self._learn_val()
        self._stale = True

    def price(self, factor: float) -> None:
        self._factor, self._stale = factor, True

    def add(self, model: str) -> None:
        self._models, self._stale = (*self._models, model), True

    def choose(self, split: Prompts, index: int) -> str:
        now = float(self._number)
        if self._stale or self._number % REFRESH == 0:
            self._refresh(now)
        self._number += 1
        weights = self._weights[self._cells[split.name][index]]
        mark = uniform(self._seed, self._number, 0)
        for model, weight in zip(self._models, weights, strict=True):
            mark -= weight
            if mark < 0:
                return model
        return self._models[-1]

    def learn(self, split: Prompts, index: int, model: str, reward: float, usd: float) -> None:
        cell = Cell("default", "auto", self._cells[split.name][index])
        now = float(self._number)
        self.beliefs.observe(cell, model, reward, now=now)
        self.policy.served.observe(cell, model)
        tokens = split.tokens[index, MODELS.index(model)]
        usage = Usage(input_tokens=int(tokens[0]), output_tokens=int(tokens[1]))
        self.beliefs.observe_usage(cell, model, usage, now)
        if self.policy.pacer is not None:
            self.policy.pacer.spend(usd, now)

    def _refresh(self, now: float) -> None:
        shares = self.beliefs.tasks("default", "auto")
        views = [self._view(task, share) for task, share in shares.items()]
        self.policy.refresh(views, now)
        self._weights = {view.cell.task: self.policy.weigh(view, now).weights for view in views}
        self._stale = False

    def _view(self, task: str, share: float) -> CellView:
        cell = Cell("default", "auto", task)
        usd = tuple(self._usd(cell, model) for model in self._models)
        return CellView(cell=cell, deployments=self._models, usd=usd, share=share)

    def _usd(self, cell: Cell, model: str) -> float:
        mix = self.beliefs.mix(cell, model)
        price = PRICES[model]
        usd = (mix[Meter.INPUT] * price[0] + mix[Meter.OUTPUT] * price[1]) / 1e6
        return usd * (self._factor if model == "gemini_pro" else 1.0)

    def _learn_val(self) -> None:
        val = prompts("val")
        for i, task in enumerate(self._cells["val"]):
            cell = Cell("default", "auto", task)
            for model in OLD:
                k = MODELS.index(model)
                self.beliefs.observe(cell, model, val.reward[i, k], now=0.0)
                tokens = val.tokens[i, k]
                usage = Usage(input_tokens=int(tokens[0]), output_tokens=int(tokens[1]))
                self.beliefs.observe_usage(cell, model, usage, 0.0)


@cache
def cells_of(way: str) -> dict[str, tuple[str, ...]]:
    """The cell of every prompt, by split: its label, or its segment by borders drawn on val."""
    val = prompts("val")
    if way == "label":
        return {name: prompts(name).task for name in ("val", "test")}
    x = {name: context(prompts(name), way)[:, :-1].tolist() for name in ("val", "test")}
    segmenter = Segmenter()
    for i, features in enumerate(x["val"]):
        for model in OLD:
            k = MODELS.index(model)
            segmenter.learn(features, model, float(val.reward[i, k]))
            segmenter.learn_size(features, model, float(val.tokens[i, k] @ (0.3, 1.0)))
    segmenter.draw_borders()
    return {name: tuple(segmenter.segment(row) for row in rows) for name, rows in x.items()}


def run(side: Side, phases: list[Phase], rng: np.random.Generator) -> dict[str, FloatArray]:
    """Burn in on val, then the phases; (prompts, 2) rewards and dollars by phase name."""
    val, test = prompts("val"), prompts("test")
    for index in rng.permutation(len(val)).tolist():
        model = side.choose(val, index)
        k = MODELS.index(model)
        side.learn(val, index, model, float(val.reward[index, k]), float(val.usd[index, k]))
    found = {}
    models = OLD
    for phase in phases:
        if phase.price_factor != 1.0 or phase.name == "after":
            side.price(phase.price_factor)
        for model in phase.models[len(models) :]:
            side.add(model)
        models = phase.models
        rows = []
        for index in phase.order:
            model = side.choose(test, index)
            reward, usd = phase.reward(index, model), phase.usd(index, model)
            side.learn(test, index, model, reward, usd)
            rows.append((reward, usd))
        found[phase.name] = np.array(rows)
    return found
