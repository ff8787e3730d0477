"""What an owner says of how providers treat what they are sent."""

from __future__ import annotations

from typing import Any, Literal

from windsock.core.model.abilities.terms import Terms
from windsock.resources.declared import Part


class TermsSettings(Part):
    """Terms by contract, which callers may demand (`provider.zdr` and its kin).

    zdr             it keeps nothing of what it is sent
    collects_data   it may keep it, and train on it
    distillable     what it answers may teach another model
    quantization    of its weights
    """

    zdr: bool | None = None
    collects_data: bool | None = None
    distillable: bool | None = None
    quantization: Literal["int4", "int8", "fp4", "fp6", "fp8", "fp16", "bf16", "fp32"] | None = None


def terms_of(*stated: TermsSettings) -> Terms:
    """The first that says something holds."""
    found: dict[str, Any] = {}
    for each in reversed(stated):
        said = {name: getattr(each, name) for name in TermsSettings.model_fields}
        found |= {name: value for name, value in said.items() if value is not None}
    return Terms(**found)
