"""What an operator says of the fields that a provider or a deployment takes."""

from __future__ import annotations

import re
from dataclasses import MISSING
from typing import get_type_hints

from pydantic import Field, create_model, field_validator

from windsock.resources.declared import Part
from windsock.wire.adaptation.parameters import PREFILLS, Parameters, stated_fields


class _Checked(Part):
    """What a type alone does not say of the fields below."""

    @field_validator("tool_id", check_fields=False)
    @classmethod
    def _is_a_pattern(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from error
        return value

    @field_validator("prefill", check_fields=False)
    @classmethod
    def _is_a_way(cls, value: str | None) -> str | None:
        if value is not None and value not in PREFILLS:
            raise ValueError(f"{value!r} is none of {', '.join(PREFILLS)}")
        return value


ParameterSettings = create_model(  # the fields and defaults of Parameters, with their documentation
    "ParameterSettings",
    __base__=_Checked,
    **{  # type: ignore[call-overload]
        each.name: (
            get_type_hints(Parameters)[each.name],
            Field(default_factory=dict) if each.default is MISSING else each.default,
        )
        for each in stated_fields()
    },
)


def stated_parameters(settings: ParameterSettings) -> Parameters:
    """As requests are adapted by them."""
    return Parameters(**dict(settings))
