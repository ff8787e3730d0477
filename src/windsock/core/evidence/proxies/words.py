"""What proxies have said of one answer, and the label beside, if there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from windsock.core.beliefs.proxies.sums import ProxySums, known_both_ways, scored
from windsock.core.evidence.judgements import Judgement
from windsock.core.model.rewards import Feedback


class Voice(NamedTuple):
    """Who said it: a source, the key that sent it, and the key whose label stands beside."""

    source: str
    key: str = ""
    labeller: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyWord:
    """The score of one answer by one source and key, its metrics averaged.

    at          unix s, when the last of it was said
    label       what a label says of the same answer, and whose it is; None without one
    """

    source: str
    key: str
    score: float
    at: float
    label: tuple[float, str] | None

    def sums(self) -> tuple[Voice, ProxySums]:
        """What it adds, and who said so."""
        if self.label is None:
            return Voice(self.source, self.key), scored(self.score)
        value, labeller = self.label
        return Voice(self.source, self.key, labeller), known_both_ways(self.score, value)


ProxyWords = Sequence[ProxyWord]


def words_of(
    said: Iterable[Feedback],
    labels: Mapping[str | None, Judgement],
    is_label: Callable[[str], bool],
) -> list[ProxyWord]:
    """The word of every proxy, whatever came first.

    said    all that was said of one answer
    labels  what its labels come to, by key
    """
    scores: dict[tuple[str, str], list[Feedback]] = {}
    for each in said:
        if not is_label(each.reward.source):
            scores.setdefault((each.reward.source, each.reward.key_id or ""), []).append(each)
    label = _label(labels)
    return [
        ProxyWord(
            source=source,
            key=key,
            score=sum(each.reward.value for each in words) / len(words),
            at=max(each.at for each in words),
            label=label,
        )
        for (source, key), words in scores.items()
    ]


def changes(before: ProxyWords, after: ProxyWords) -> Iterator[tuple[Voice, ProxySums, float]]:
    """What is to be added where the words on an answer change: (who, sums, unix s)."""
    for words, sign in ((before, -1.0), (after, 1.0)):
        for word in words:
            voice, sums = word.sums()
            yield voice, sums.times(sign), word.at


def _label(labels: Mapping[str | None, Judgement]) -> tuple[float, str] | None:
    """Mean of the labels, and the key of the heaviest."""
    counted = {key: each for key, each in labels.items() if each.weight > 0}
    if not counted:
        return None
    weight = sum(each.weight for each in counted.values())
    mean = sum(each.weight * each.reward.value for each in counted.values()) / weight
    return mean, max(counted, key=lambda key: counted[key].weight) or ""
