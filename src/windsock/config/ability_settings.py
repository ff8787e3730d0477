"""What an owner says that deployments can do, and how they treat what they are sent."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from windsock.core.model.abilities.terms import Terms
from windsock.resources.declared import Part

Mode = Literal["chat", "embedding", "rerank", "moderation", "image_generation",
               "audio_transcription", "audio_speech"]  # fmt: skip
"""Kinds of models, in LiteLLM's words."""


class CapabilitySettings(Part):
    """What a deployment accepts, as its owner says; None leaves it to feeds."""

    vision: bool | None = None
    audio: bool | None = None
    tools: bool | None = None
    json_schema: bool | None = None
    web_search: bool | None = None
    context_tokens: int | None = Field(default=None, gt=0)
    max_output_tokens: int | None = Field(default=None, gt=0)


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
