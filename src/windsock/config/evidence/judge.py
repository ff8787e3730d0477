"""A model that judges the answers of a route."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from windsock.config.evidence.beside import BesideSettings


class JudgeSettings(BesideSettings):
    """Answers are scored by a model, beside the requests.

    model       a deployment, a model or a route
    rubric      what a good answer is here, in words for the judge
    how         pointwise: a score of each answer; pairwise: against one of `reference`, which is
                asked the same, in both orders
    reference   a deployment; left out, the incumbent, else the first candidate
    own_family  it may judge answers of its own maker's models
    redact      what these patterns match is told to the judge as [redacted]
    redact_with `package.module:function`, a text to the text that the judge may see; if it fails,
                nothing is asked
    max_tokens  of a verdict; a judge that thinks first needs more
    max_chars   of the conversation, and of each answer, that it sees
    """

    model: str = Field(min_length=1)
    rubric: str = Field(default="", max_length=20_000)
    how: Literal["pointwise", "pairwise"] = "pointwise"
    reference: str | None = None
    own_family: bool = False
    redact: tuple[re.Pattern[str], ...] = ()
    redact_with: str | None = Field(default=None, pattern=r"^[\w.]+:\w+$")
    max_tokens: int = Field(default=256, ge=16, le=100_000)
    max_chars: int = Field(default=12_000, ge=200, le=400_000)
