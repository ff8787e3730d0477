"""What proxies do to the priors of a route: the surest of them speaks in each cell.

Several proxies look at the same answers, so that their errors are not independent: adding up what
each is worth would let ten poor ones pass for a good one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from windsock.core.beliefs.empirical_bayes import LEAST_PHI, LEAST_STRENGTH, Cells, Fit
from windsock.core.beliefs.proxies.combination import Forecast, Labels, combined
from windsock.core.beliefs.proxies.correction import Correction, corrected
from windsock.core.beliefs.proxies.sums import NO_SUMS, ProxySums
from windsock.core.model.arrays import FloatArray

Key = tuple[str, str]
"""(task, deployment)"""

LEAST_DOUBT = 0.01
"""Share of the usual variance that is left of a one-sided proxy that fails every answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A source that scores answers of a route without knowing whether they are right.

    weight      0..1, how much of a scored answer each of its scores counts for
    is_one_sided    what it fails is wrong; what it passes may be wrong all the same
    sums        what it has said, as of now
    """

    name: str
    weight: float
    is_one_sided: bool
    sums: Mapping[Key, ProxySums]

    @property
    def answers(self) -> float:
        """Scored ones."""
        return sum(each.scored()[0] for each in self.sums.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a proxy says of one cell.

    say         rewards that it counts for; 0 where another proxy is surer, or labels say as much
    strength    the same in rewards of 0 and 1
    mean        success, as corrected
    variance    of that
    bias        success less score, as far as labels tell; None without any
    slope       0..1, λ: how far labels move with its scores on this route
    off_by      points that it is usually off by in a cell before that is corrected, 0..1
    """

    say: float
    strength: float
    mean: float
    variance: float
    bias: float | None
    slope: float
    off_by: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Words:
    """What every proxy says; a word is made when somebody asks for it.

    place   where each cell stands
    said    of each proxy: its correction, and (cells,) 0/1 rewards that it counts for
    phi     (cells,) what one of them is in rewards of its deployment
    """

    place: Mapping[Key, int] = field(default_factory=dict)
    said: Sequence[tuple[Proxy, Correction, FloatArray]] = ()
    phi: FloatArray = field(default_factory=lambda: np.empty(0))

    def of(self, key: Key) -> dict[str, Word]:
        """By the proxies that have scored answers of a cell."""
        at = self.place.get(key)
        if at is None:
            return {}
        return {
            proxy.name: _word(
                proxy.sums[key], correction, at, float(strength[at]), float(self.phi[at])
            )
            for proxy, correction, strength in self.said
            if key in proxy.sums
        }


Hear = Callable[[float], Sequence[Proxy]]
"""What the proxies of a route have said, as of a moment (unix s)."""


def UNHEARD(_: float) -> Sequence[Proxy]:  # noqa: N802
    """Nobody has said anything."""
    return ()


def heard(cells: Cells, fit: Fit, proxies: Sequence[Proxy]) -> tuple[Fit, Words]:
    """The fit with the priors of scored cells as proxies have them, and each one's word."""
    prior = _forecast(fit)
    own = np.maximum([fit.phi[name] for name in cells.names], LEAST_PHI)[cells.name]
    found = [(each, *_correction(cells, each)) for each in proxies]
    with_each = [combined(prior, correction, labels) for _, correction, labels in found]
    variances = np.array([each.variance for each in with_each])
    surest, at = variances.argmin(axis=0), np.arange(len(cells.keys))
    means = np.array([each.mean for each in with_each])[surest, at]
    best = Forecast(mean=means, variance=variances[surest, at])
    is_surer = best.variance < prior.variance
    strengths = np.where(is_surer, np.maximum(best.strength, LEAST_STRENGTH), fit.pool.strengths)
    gain = means * (1 - means) * (1 / best.variance - 1 / prior.variance)
    pool = replace(
        fit.pool,
        means=np.where(is_surer, means, fit.pool.means).tolist(),
        strengths=strengths.tolist(),
    )
    said = [
        (proxy, correction, np.where((surest == number) & is_surer, gain, 0.0))
        for number, (proxy, correction, _) in enumerate(found)
    ]
    return replace(fit, pool=pool), Words(place=cells.place, said=said, phi=own)


def _forecast(fit: Fit) -> Forecast:
    means, strengths = np.array(fit.pool.means), np.array(fit.pool.strengths)
    return Forecast(mean=means, variance=means * (1 - means) / (strengths + 1))


def _correction(cells: Cells, proxy: Proxy) -> tuple[Correction, Labels]:
    sums = np.array([proxy.sums.get(key, NO_SUMS) for key in cells.keys]).T
    found = corrected(sums, cells.task, cells.name, proxy.weight)
    labels = Labels(count=sums[3], total=sums[4])
    if not proxy.is_one_sided:
        return found, labels
    doubt = np.maximum(LEAST_DOUBT, found.mean**2)
    return replace(found, variance=found.variance * doubt), labels


def _word(sums: ProxySums, correction: Correction, at: int, strength: float, phi: float) -> Word:
    return Word(
        say=strength * phi,
        strength=strength,
        mean=float(correction.mean[at]),
        variance=float(correction.variance[at]),
        bias=float(correction.bias[at]) if sums.both > 0 else None,
        slope=correction.slope,
        off_by=float(np.hypot(*correction.spread)),
    )
