"""feed.toml: what a feed is, declared once."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from windsock.errors import ConfigError
from windsock.feeds.mapping import check
from windsock.resources.declared import Part, first_fault, read_toml, seconds

USD_PER_MTOK = {
    "usd/token": Decimal(10) ** 6,
    "usd/ktok": Decimal(10) ** 3,
    "usd/mtok": Decimal(1),
    "cent/token": Decimal(10) ** 4,
    "1e-4usd/mtok": Decimal("0.0001"),
}
"""What one unit of a feed is in USD per million."""

LEAST_INTERVAL_S = 1.0
"""Between two polls of a feed."""


class FeedDefinition(Part):
    """A feed.

    url         http(s), file:, or package:genai_prices
    every       seconds between polls
    unit        of every price in the body
    trust       0..1, weight when feeds disagree
    copies      ids of feeds whose rows it takes over: it is no second witness to what they say
    provider    of rows that name none
    format      how the body is decoded before the mapping
    quotes      jq program: body -> price rows ($now is the time of the poll, unix s)
    health      jq program: body -> health rows
    env_key     environment variable with a key, sent as a bearer token, or plain in `key_header`
    least_rows  fewer rows than this and the whole poll is refused
    is_partial  absence from the body means nothing (paged or filtered feeds)
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    kind: Literal["price", "health"]
    url: str = Field(min_length=1, repr=False)
    every: Annotated[float, BeforeValidator(seconds), Field(ge=LEAST_INTERVAL_S)]
    unit: str | None = None
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    trust: float = Field(ge=0, le=1)
    copies: tuple[str, ...] = ()
    provider: str | None = None
    format: Literal["json", "csv", "utf16-json", "rss", "toml", "yaml"] = "json"
    quotes: str | None = None
    health: str | None = None
    env_key: str | None = None
    key_header: str = "authorization"
    headers: dict[str, str] = Field(default={}, repr=False)
    timeout: Annotated[float, BeforeValidator(seconds), Field(gt=0)] = 30.0
    max_mb: float = Field(default=32.0, gt=0)
    least_rows: int = Field(default=1, ge=0)
    is_partial: bool = False
    about: str = ""
    allow_private: bool = False

    @field_validator("unit")
    @classmethod
    def _unit_is_known(cls, unit: str | None) -> str | None:
        if unit is not None and unit not in USD_PER_MTOK:
            raise ValueError(f"{unit!r} is no unit; known are {', '.join(USD_PER_MTOK)}")
        return unit

    @field_validator("quotes", "health")
    @classmethod
    def _mapping_compiles(cls, program: str | None) -> str | None:
        if program is not None:
            try:
                check(program)
            except ValueError as error:
                raise ValueError(f"not a jq program: {str(error).splitlines()[0]}") from error
        return program

    @model_validator(mode="after")
    def _is_whole(self) -> FeedDefinition:
        if self.kind == "price" and self.unit is None:
            raise ValueError(f"unit is missing; add one of {', '.join(USD_PER_MTOK)}")
        if self.kind == "price" and self.quotes is None:
            raise ValueError("quotes is missing; add the jq program that maps the body to rows")
        if self.kind == "health" and self.health is None:
            raise ValueError("health is missing; add the jq program that maps the body to rows")
        return self


def load_feed(folder: Path) -> FeedDefinition:
    """The declaration in a folder; raises ConfigError naming file and key."""
    path = folder / "feed.toml"
    try:
        return FeedDefinition.model_validate(read_toml(path))
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_fault(error)[1]}") from error
