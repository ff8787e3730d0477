"""What an answer must be like to count as good, in windsock.toml."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from windsock.config.value_types import Tables
from windsock.core.evidence.checks.languages import checked_language
from windsock.resources.declared import Part

Language = Annotated[str, AfterValidator(checked_language)]
"""Two letters, or "asked": that of the prompt."""


class CheckSettings(Part):
    """What an answer must be like to count as good; see `core.evidence.checks.declared.Checks`."""

    non_empty: bool = True
    json_text: bool | Literal["lenient"] = Field(default=False, alias="json")
    required_keys: tuple[str, ...] = ()
    json_schema: dict[str, Any] | Literal["asked"] | None = Field(default=None, alias="schema")
    pattern: re.Pattern[str] | None = None
    number: bool = False
    python: bool = False
    sql: Tables | None = None
    least_chars: int = Field(default=0, ge=0)
    most_chars: int | None = Field(default=None, gt=0)
    language: Language | None = None
    whole: bool = False
    no_loop: bool = False
    tool_calls: bool = False
    no_refusal: bool = False
    unit_tests: bool = False
