"""What metrics of others mean, in windsock.toml: their scale, their words, in whose name."""

from __future__ import annotations

from pydantic import Field, model_validator

from windsock.resources.declared import Part, Share
from windsock.wire.scores.score import Scale


class ScoreSettings(Part):
    """Of one metric, by the name its scores have.

    scale   its worst and its best number; [1, 0] where less is better
    words   what its labels mean, 0..1
    source  in whose name its scores count: "explicit" where people give them
    """

    scale: tuple[float, float] = (0.0, 1.0)
    words: dict[str, Share] = Field(default_factory=dict)
    source: str | None = Field(default=None, min_length=1, max_length=255)

    @model_validator(mode="after")
    def _has_two_ends(self) -> ScoreSettings:
        if self.scale[0] == self.scale[1]:
            raise ValueError("scale goes from the worst to the best number, and they are the same")
        return self

    def as_scale(self) -> Scale:
        """The same as scores are read by."""
        worst, best = self.scale
        return Scale(worst=worst, best=best, words=self.words, source=self.source)
