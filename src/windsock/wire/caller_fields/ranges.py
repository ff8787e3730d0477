"""Types and ranges of the numbers that a request may hold, one table for every format in front.

From OpenAI's, Anthropic's and OpenRouter's API references, the widest of them: what one deployment
takes less of is `adaptation.parameters`'.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, inspect

from windsock.errors import BadRequest

MOST_TOKENS = 2**31 - 1
"""No model's context comes near; clients that mean "no limit" send this."""

Tokens = Annotated[int, Meta(ge=1, le=MOST_TOKENS)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Ranged(msgspec.Struct, kw_only=True):
    """The table: a field, its type and its range. Absent and null are the same."""

    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    max_output_tokens: Tokens | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Meta(ge=-1, le=MOST_TOKENS)] | None = None
    min_p: Share | None = None
    top_a: Share | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    repetition_penalty: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    dimensions: Tokens | None = None


def check_ranges(body: dict[str, Any]) -> None:
    """Raises BadRequest if a field of the table is of another type or out of its range."""
    try:
        msgspec.convert(body, Ranged)
    except msgspec.ValidationError as error:
        name = str(error).rpartition("$.")[2].rstrip("`")
        raise BadRequest(RULES.get(name, str(error)), param=name) from error


def _sentence(field: inspect.Field) -> str:
    union = field.type
    assert isinstance(union, inspect.UnionType)
    kind = union.types[0]
    assert isinstance(kind, inspect.IntType | inspect.FloatType)
    noun = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
    return f"{field.name} must be {noun} from {kind.ge} to {kind.le}; correct it or leave it out"


def _sentences() -> dict[str, str]:
    told = inspect.type_info(Ranged)
    assert isinstance(told, inspect.StructType)
    return {field.name: _sentence(field) for field in told.fields}


RULES = _sentences()
"""By field: what it must be, in words."""
