"""The prompts of the ParetoBandit comparison, its fifteen settings and its oracles."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

FloatArray = NDArray[np.float64]

OUTCOMES = Path(__file__).parent / "data" / "paretobandit_outcomes.csv.gz"
MODELS = ("llama_8b", "mistral_large", "gemini_pro", "gemini_flash")
OLD = MODELS[:3]
PRICES = {
    "llama_8b": (0.1, 0.1),
    "mistral_large": (0.5, 1.5),
    "gemini_pro": (1.25, 10.0),
    "gemini_flash": (0.30, 2.50),
}
CUT = 0.1 / 5.625
LOST_REWARD = 0.75
PHASE = 608


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """One split. reward, usd: (prompts, models); tokens (prompts, models, in and out)."""

    name: str
    task: tuple[str, ...]
    reward: FloatArray
    usd: FloatArray
    tokens: FloatArray
    features: FloatArray

    def __len__(self) -> int:
        return len(self.task)


@cache
def prompts(split: str) -> Prompts:
    with gzip.open(OUTCOMES, "rt") as lines:
        rows = [row for row in csv.DictReader(lines) if row["split"] == split]
    return Prompts(
        name=split,
        task=tuple(row["task"] for row in rows),
        reward=_columns(rows, [f"{model}_reward" for model in MODELS]),
        usd=_columns(rows, [f"{model}_cost_usd" for model in MODELS]),
        tokens=np.stack(
            [
                _columns(rows, [f"{model}_{side}_tokens" for model in MODELS])
                for side in ("input", "output")
            ],
            axis=2,
        ),
        features=_columns(rows, [f"x{i}" for i in range(25)]),
    )


def _columns(rows: list[dict[str, str]], names: list[str]) -> FloatArray:
    return np.array([[float(row[name] or "nan") for name in names] for row in rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of test prompts under one state of the world.

    price_factor    on gemini_pro's bill, announced
    is_lost         mistral_large answers worse, unannounced
    models          that may be asked
    """

    name: str
    order: tuple[int, ...]
    price_factor: float = 1.0
    is_lost: bool = False
    models: tuple[str, ...] = OLD

    def reward(self, index: int, model: str) -> float:
        if self.is_lost and model == "mistral_large":
            return LOST_REWARD
        return float(prompts("test").reward[index, MODELS.index(model)])

    def usd(self, index: int, model: str) -> float:
        factor = self.price_factor if model == "gemini_pro" else 1.0
        return factor * float(prompts("test").usd[index, MODELS.index(model)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """judged: phases whose mean reward the two sides are compared by."""

    event: str
    budget: float
    judged: tuple[str, ...] = field(default=("test",))

    @property
    def name(self) -> str:
        return f"{self.event} {self.budget:.3g}"

    def phases(self, rng: np.random.Generator) -> list[Phase]:
        order = rng.permutation(len(prompts("test"))).tolist()
        if self.event == "stationary":
            return [Phase(name="test", order=tuple(order))]
        if self.event == "new model":
            return list(_with_newcomer(order))
        return list(_with_event(self.event, order, rng))


def _with_newcomer(order: list[int]) -> Iterator[Phase]:
    known = ~np.isnan(prompts("test").reward).any(axis=1)
    order = [index for index in order if known[index]]
    third = len(order) // 3
    yield Phase(name="before", order=tuple(order[:third]))
    yield Phase(name="after", order=tuple(order[third:]), models=MODELS)


def _with_event(event: str, order: list[int], rng: np.random.Generator) -> Iterator[Phase]:
    first, second = order[:PHASE], order[PHASE : 2 * PHASE]
    yield Phase(name="before", order=tuple(first))
    if event == "price shock":
        yield Phase(name="during", order=tuple(second), price_factor=CUT)
    else:
        yield Phase(name="during", order=tuple(second), is_lost=True)
    yield Phase(name="after", order=tuple(rng.permutation(first).tolist()))


STATIONARY = (8.288e-5, 2.345e-4, 3.0e-4, 6.62e-4, 1.87e-3, 5.314e-3)
EVENTS = (3.0e-4, 6.62e-4, 1.87e-3)
SETTINGS = (
    *(Setting(event="stationary", budget=budget) for budget in STATIONARY),
    *(
        Setting(event=event, budget=budget, judged=("during", "after"))
        for event in ("price shock", "silent loss")
        for budget in EVENTS
    ),
    *(Setting(event="new model", budget=budget, judged=("after",)) for budget in EVENTS),
)


def oracle(phase: Phase, budget: float, *, is_clairvoyant: bool = False) -> float:
    """Most mean reward for the budget by who knows the true means of every task (or prompt)."""
    test = prompts("test")
    order = list(phase.order)
    reward = np.array([[phase.reward(i, model) for model in phase.models] for i in order])
    usd = np.array([[phase.usd(i, model) for model in phase.models] for i in order])
    if is_clairvoyant:
        return _clairvoyant(reward, usd, budget)
    tasks = sorted(set(test.task))
    of = np.array([tasks.index(test.task[i]) for i in order])
    mean = np.array([reward[of == g].mean(axis=0) for g in range(len(tasks))])
    cost = np.array([usd[of == g].mean(axis=0) for g in range(len(tasks))])
    share = np.array([(of == g).mean() for g in range(len(tasks))])[:, None]
    solved = linprog(
        -(share * mean).ravel(),
        A_ub=(share * cost).reshape(1, -1),
        b_ub=[budget],
        A_eq=np.kron(np.eye(len(tasks)), np.ones(len(phase.models))),
        b_eq=np.ones(len(tasks)),
    )
    return float(-solved.fun)


def _clairvoyant(reward: FloatArray, usd: FloatArray, budget: float) -> float:
    low, high = 0.0, 1e3
    for _ in range(100):
        value = (low * high) ** 0.5 if low > 0 else high / 1e9
        pick = (value * reward - usd).argmax(axis=1)
        is_cheap = usd[np.arange(len(pick)), pick].mean() <= budget
        low, high = (value, high) if is_cheap else (low, value)
        if low == 0.0:
            break
    pick = (low * reward - usd).argmax(axis=1)
    return float(reward[np.arange(len(pick)), pick].mean())
