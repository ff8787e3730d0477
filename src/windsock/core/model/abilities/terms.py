"""How a deployment treats what it is sent, as its owner says, and what callers demand of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from windsock.core.model.exclusions import Exclusion, ExclusionCode
from windsock.core.model.requests import Preferences
from windsock.errors import BadRequest

UNKNOWN = "unknown"
"""The quantization of a deployment of which nobody states one, as OpenRouter names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an owner knows of a deployment by contract. None: nothing is stated.

    zdr             it keeps nothing of what it is sent (zero data retention)
    collects_data   it may keep it, and train on it
    distillable     what it answers may teach another model
    quantization    of its weights: int4 int8 fp4 fp6 fp8 fp16 bf16 fp32
    """

    zdr: bool | None = None
    collects_data: bool | None = None
    distillable: bool | None = None
    quantization: str | None = None


NOTHING_STATED = Terms()

IN_WORDS: Mapping[str, tuple[str, str]] = {
    "zdr": ("to keep nothing of what it is sent", "zdr = true"),
    "data_collection": ("to collect no data", "collects_data = false"),
    "enforce_distillable_text": ("to allow that others learn from it", "distillable = true"),
    "quantizations": ("to have one of the quantizations asked for", 'quantization = "fp8"'),
}
"""By field of `provider`: what must be stated, in words and as the configuration has it."""


def unmet(terms: Terms, wishes: Preferences) -> str | None:
    """The field of `provider` that these terms do not meet, None if they meet all."""
    if wishes.zdr and not terms.zdr:
        return "zdr"
    if wishes.denies_collection and not (terms.zdr or terms.collects_data is False):
        return "data_collection"
    if wishes.distillable and not terms.distillable:
        return "enforce_distillable_text"
    if wishes.quantizations and (terms.quantization or UNKNOWN) not in wishes.quantizations:
        return "quantizations"
    return None


def off_terms(terms: Terms, wishes: Preferences) -> Exclusion | None:
    """Why a deployment of these terms is not asked; None if it may be."""
    field = unmet(terms, wishes)
    if field is None:
        return None
    words = f"is not stated {IN_WORDS[field][0]}, as provider.{field} demands"
    return Exclusion(ExclusionCode.TERMS, words)


def check_terms(wishes: Preferences, stated: Iterable[Terms]) -> None:
    """Raises BadRequest with the mend where nobody at all is stated to meet them."""
    fields = [unmet(terms, wishes) for terms in stated]
    missing = next((field for field in IN_WORDS if field in fields), None)
    if missing is None or None in fields:
        return
    what, how = IN_WORDS[missing]
    raise BadRequest(
        f"provider.{missing}: no deployment here is stated {what}; state {how} under "
        '[providers.NAME] or [deployments."ID"], or name whom you mean in provider.only',
        param=f"provider.{missing}",
    )
