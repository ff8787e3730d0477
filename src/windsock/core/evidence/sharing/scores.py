"""The way of a proxy's score to the beliefs: through sums, and into the priors of its cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.proxies.hearing import Proxy
from windsock.core.beliefs.proxies.sums import NO_SUMS, ProxySums
from windsock.core.cascades.cascade_arm import arm_of
from windsock.core.cascades.confidence import Confidences
from windsock.core.evidence.judgements import Credit
from windsock.core.evidence.proxies.score_watch import KEEPS
from windsock.core.evidence.proxies.words import ProxyWord, Voice, changes
from windsock.core.evidence.sources import UNCALIBRATING
from windsock.core.evidence.weighting import RewardWeighting
from windsock.core.model.decisions import Decision
from windsock.core.model.events import Event, EventKind
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.replicas.contributions import Kind


class Scores:
    """What proxies say of answers; labels beside them say what that is worth.

    weightings  of routes, by name; one is opened by `open_weighting` where answers are scored
    publish     tells of a change
    """

    def __init__(
        self,
        beliefs: Beliefs,
        confidences: Confidences,
        weightings: Mapping[str, RewardWeighting],
        open_weighting: Callable[[Cell], RewardWeighting],
        publish: Callable[[Event], object],
    ) -> None:
        self._beliefs = beliefs
        self._confidences = confidences
        self._weightings = weightings
        self._open = open_weighting
        self._publish = publish

    def note(
        self,
        decision: Decision,
        deployment: str,
        said: Sequence[Feedback],
        known: Sequence[Feedback],
        now: float,
    ) -> None:
        """All that is `known` of an answer takes the place of what was `said` of it before.

        What a cascade earned is nobody's alone: it is said of the cascade, by its name as an arm,
        and moves no belief of a deployment.
        """
        cell, weighting = decision.cell, self._open(decision.cell)
        before, after = weighting.words(said), weighting.words(known)
        if before == after:
            return
        arm = arm_of(decision, deployment)
        heard = {(word.source, word.key) for word in before}
        for word in after if arm == deployment else ():
            if (word.source, word.key) not in heard:
                self._watch(cell, deployment, word, now)
        for voice, sums, at in changes(before, after):
            weighting.tell(Kind.SCORED, (*cell.stored, arm, *voice), tuple(sums), at)
            weighting.score((cell, arm), voice, sums, at)
        self._beliefs.note_proxy(cell, arm, now)

    def _watch(self, cell: Cell, deployment: str, word: ProxyWord, now: float) -> None:
        """A first word on an answer may tell of a change, as a label's would; of several replicas
        one judges."""
        if not self._beliefs.quality.is_judge:
            return
        weighting, watched = self._open(cell), (cell.namespace, deployment, word.source)
        known = weighting.proxies.of((cell, deployment), now).get(word.source, NO_SUMS)
        weight = weighting.proxy_weight(word.source)
        found = weighting.proxies.watch.note(watched, word.score, known, weight)
        if found is not None and self._beliefs.settings.watches_drift:
            for (where, name), voice, change in weighting.proxies.forget_scores(watched, KEEPS):
                key = (*where.stored, name, *voice)
                weighting.tell(Kind.FORGOTTEN, key, tuple(change.sums), change.at)
            facts = {**found, "namespace": cell.namespace, "route": cell.route}
            self._publish(
                Event(kind=EventKind.QUALITY_DRIFTED, deployment=deployment, at=now, facts=facts)
            )

    def hear(
        self, cell: Cell, deployment: str, whose: Sequence[str], sums: ProxySums, at: float
    ) -> None:
        """What another replica was told."""
        self._open(cell).score((cell, deployment), Voice(*whose), sums, at)
        self._beliefs.note_proxy(cell, deployment, at)

    def forget(
        self, cell: Cell, deployment: str, whose: Sequence[str], sums: ProxySums, at: float
    ) -> None:
        """What another replica counts no more: it has found a change."""
        self._open(cell).proxies.add((cell, deployment), Voice(*whose), sums, at)
        self._beliefs.note_proxy(cell, deployment, at)

    def credit(self, decision: Decision, deployment: str, reward: Reward, weight: float) -> Credit:
        """A score counts for `weight` scored answers, and may tell what a confidence is worth."""
        cell = decision.cell
        if weight > 0 and reward.source not in UNCALIBRATING:
            self._confidences.learn(decision.id, cell, deployment, reward.value)
        return Credit(
            cell=cell,
            deployment=deployment,
            belief=self._beliefs.summary(cell, deployment),
            weight=weight,
            value=reward.value,
            said=weight,
        )

    def heard(self, namespace: str, route: str, as_of: float) -> Sequence[Proxy]:
        """What proxies have said on a route; nothing is opened for it."""
        known = self._weightings.get(route)
        return known.heard(namespace, as_of) if known else ()
