"""The voices of one place as an array, so that they are summed at once when keys are weighed anew.

Of 120 voices that takes a hundredth of adding them up one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from windsock.core.beliefs.proxies.sums import ProxySums
from windsock.core.evidence.proxies.words import Voice
from windsock.core.model.arrays import FloatArray, IntArray


class PlaceVoices(NamedTuple):
    """What was said, as of one moment.

    sums        (voices, 9) as in `ProxySums`, each as far as its key agrees with others
    keys        whose belief matters
    spoken, labelled    (voices,) numbers among `keys` of who spoke and whose label stands beside;
                the one after the last where that is nobody
    is_of       (sources, voices) 1 where a voice is one of a source's
    """

    sums: FloatArray
    keys: Sequence[str]
    spoken: IntArray
    labelled: IntArray
    sources: Sequence[str]
    is_of: FloatArray

    @classmethod
    def of(cls, said: Mapping[Voice, ProxySums]) -> PlaceVoices:
        """From what each voice has said."""
        named = dict.fromkeys(key for each in said for key in (each.key, each.labeller) if key)
        keys, sources = [*named], [*dict.fromkeys(each.source for each in said)]
        number = {key: at for at, key in enumerate(keys)}
        nobody = len(keys)
        is_of = [[float(each.source == source) for each in said] for source in sources]
        return cls(
            sums=np.array([*said.values()]),
            keys=keys,
            spoken=np.array([number.get(each.key, nobody) for each in said]),
            labelled=np.array([number.get(each.labeller, nobody) for each in said]),
            sources=sources,
            is_of=np.array(is_of),
        )

    def summed(self, believed: Sequence[float]) -> dict[str, ProxySums]:
        """By source, where `keys` are believed so far, 0..1: of a labeller as if only so many of
        its labels had been given, so that the rest of those answers are scored alone."""
        shares = np.array([*believed, 1.0])
        label = shares[self.labelled]
        told = self.sums * label[:, None]
        told[:, :3] = self.sums[:, :3] + (1.0 - label)[:, None] * self.sums[:, [3, 6, 7]]
        found = self.is_of @ (told * shares[self.spoken][:, None])
        return {
            source: ProxySums(*row)
            for source, row in zip(self.sources, found.tolist(), strict=True)
        }
