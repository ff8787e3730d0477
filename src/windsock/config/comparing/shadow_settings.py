"""Requests that are also sent to a candidate that did not serve, in windsock.toml."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from windsock.config.comparing.comparison import COMPARISON, ComparisonSettings
from windsock.config.evidence.beside import BesideSettings
from windsock.resources.declared import Share


class ShadowSettings(BesideSettings, ComparisonSettings):
    """Some requests are sent twice: what the second deployment answers teaches, and nobody sees it.

    share       of the requests of the route, at most
    candidates  who is asked; left out, any candidate that did not serve
    compare     what tells whether its answer is right: agreement with what was served, the checks
                of the route, or its judge
    tools       requests that carry tools are sent as well, also those that act at the provider
    """

    share: Share = 0.05
    candidates: tuple[str, ...] = ()
    compare: Literal["agreement", "checks", "judge"]
    tools: bool = False

    @model_validator(mode="after")
    def _compares(self) -> Self:
        unused = sorted(self.model_fields_set & COMPARISON)
        if unused and self.compare != "agreement":
            raise ValueError(f"{unused[0]} plays no part with compare = {self.compare!r}")
        return self
