"""Which model families public benchmarks call better at a kind of task: priors, weakly believed.

Only differences are taken over, never levels: benchmarks are far harder than most work, and how
hard an owner's own tasks are is learnt within a few rewards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from windsock.core.model.requests import split_name

SPREAD = 0.25
"""What a benchmark's difference is worth in everyday tasks.

Between mistral-large and gemini-2.5-pro LiveBench shows 10 to 50 points, judges of the 1,824 plain
prompts of the ParetoBandit set 1 to 8.
"""

KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("code", re.compile(r"cod(e|ing)|program|sql|script|debug|refactor|test|mbpp|humaneval")),
    ("math", re.compile(r"math|arithm|calcul|gsm|algebra|statist")),
    ("data", re.compile(r"extract|table|json|csv|classif|label|parse|entit|data|rout|moderat")),
    ("reasoning", re.compile(r"reason|logic|plan|analy|puzzle|agent|research|bbh|decide")),
    ("instructions", re.compile(r"summar|writ|draft|rephras|rewrit|story|email|format|instruct")),
    ("language", re.compile(r"translat|languag|grammar|proofread|spell|typo|edit")),
)
"""Kind of a task by what its name says; the first that matches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicRate:
    """One published figure.

    family      model name, lower case; with a star at the end, all names that begin so
    success     mean score of the family at this kind of task, 0..1
    par         mean of the same benchmark and release over a fixed panel of models
    strength    rewards that a prior from this figure is worth
    source      benchmark and release
    """

    family: str
    kind: str
    success: float
    par: float
    strength: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorShift:
    """How a prior mean is moved, what the prior is worth in rewards, and by whose figures."""

    shift: float
    strength: float
    source: str


class BenchmarkPriors:
    """Leans by task and deployment.

    rates       the closer pattern of two that match the same model comes first
    models      model name by deployment id; an id that is not listed speaks for itself
    """

    def __init__(
        self, rates: Iterable[PublicRate] = (), models: Mapping[str, str] | None = None
    ) -> None:
        self._rates: dict[str, dict[str, PublicRate]] = {}
        for rate in rates:
            self._rates.setdefault(rate.family, {}).setdefault(rate.kind, rate)
        self._models = dict(models or {})
        self._leans: dict[tuple[str, str], PriorShift | None] = {}

    def lean(self, task: str, deployment: str) -> PriorShift | None:
        """What the figures say of a deployment at a task; None if they say nothing."""
        if not self._rates:
            return None
        key = (task, deployment)
        if key not in self._leans:
            self._leans[key] = self._find(task, deployment)
        return self._leans[key]

    def shifts(self, task: str, deployments: Sequence[str]) -> tuple[float, ...]:
        """What the figures add to the success of each; 0 where they say nothing."""
        if not self._rates:
            return (0.0,) * len(deployments)
        found = [self.lean(task, name) for name in deployments]
        return tuple([each.shift if each else 0.0 for each in found])

    def _find(self, task: str, deployment: str) -> PriorShift | None:
        model = self._models.get(deployment, deployment).rpartition("/")[2].lower()
        family = next((name for name in self._rates if _is_of(model, name)), None)
        if family is None:
            return None
        rates = self._rates[family]
        kind = kind_of(task)
        chosen = [rates[kind]] if kind in rates else list(rates.values())
        shifts = [SPREAD * (rate.success - rate.par) for rate in chosen]
        return PriorShift(
            shift=sum(shifts) / len(shifts),
            strength=sum(rate.strength for rate in chosen) / len(chosen),
            source=chosen[0].source,
        )


NOTHING = BenchmarkPriors()
"""No prior knowledge of any model."""


def kind_of(task: str) -> str:
    """The kind that a task's name tells of; empty if it tells of none."""
    name = split_name(task)[0].lower()
    return next((kind for kind, words in KINDS if words.search(name)), "")


def _is_of(model: str, family: str) -> bool:
    return model.startswith(family[:-1]) if family.endswith("*") else model == family
