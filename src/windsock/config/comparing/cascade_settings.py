"""Cascades in windsock.toml."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from windsock.config.comparing.comparison import COMPARISON, ComparisonSettings
from windsock.resources.declared import Share

STATED_ONLY = {"escalate_below", "ask_logprobs"}
AGREEMENT_ONLY = {"second", "trial"} | COMPARISON


class CascadeSettings(ComparisonSettings):
    """Cheap first, then maybe strong.

    escalate_below  least measured success of answers as sure as this one
    ask_logprobs    ask providers for token probabilities and take them out of the answer again;
                    leave it off where a candidate refuses the parameter
    confidence      what an answer's confidence is: what checks and logprobs say of it, or whether
                    a `second` candidate, asked beside the first, says the same
    trial           most of a task's requests, and of its dollars, by which its gain is measured
                    while it is not used
    """

    escalate_below: Share = 0.85
    to: tuple[str, ...] = Field(min_length=1)
    ask_logprobs: bool = False
    confidence: Literal["stated", "agreement"] = "stated"
    second: str | None = None
    trial: Share = 0.05

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """What goes by agreement says whose, and sets nothing that would play no part."""
        said, by = self.model_fields_set, self.confidence == "agreement"
        other = STATED_ONLY if by else AGREEMENT_ONLY
        if unused := sorted(said & other):
            raise ValueError(f"{unused[0]} plays no part with confidence = {self.confidence!r}")
        if by and self.second is None:
            raise ValueError('confidence = "agreement" needs `second`, who is asked beside')
        if by and self.second in self.to:
            raise ValueError(f"{self.second} cannot be `second` and in `to`")
        return self
