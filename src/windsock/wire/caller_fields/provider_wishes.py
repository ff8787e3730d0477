"""The `provider` object of a request, as OpenRouter's reference has it: kept to, or refused.

https://openrouter.ai/docs/features/provider-routing
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from windsock.core.model.requests import Preferences
from windsock.errors import BadRequest
from windsock.wire.caller_fields.names import Places

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])

NO_FIELDS: frozenset[str] = frozenset()

Sort = Literal["price", "throughput", "latency"]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class SortBy(msgspec.Struct, forbid_unknown_fields=True):
    """The same as the name alone; `partition` "model" is how models are sorted here anyway."""

    by: Sort
    partition: Literal["model"] | None = None


class Percentiles(msgspec.Struct, forbid_unknown_fields=True):
    """Of what is measured here, half of the answers."""

    p50: Seconds


class Ceilings(msgspec.Struct, forbid_unknown_fields=True):
    """US dollars per million tokens, as a number or a text that is one."""

    prompt: float | str | None = None
    completion: float | str | None = None


class Wishes(msgspec.Struct, forbid_unknown_fields=True):
    """The fields, their types and ranges. What cannot be kept to is in CANNOT."""

    order: Places | None = None
    only: Places | None = None
    ignore: Places | None = None
    allow_fallbacks: bool | None = None
    sort: Sort | SortBy | None = None
    max_price: Ceilings | None = None
    preferred_max_latency: Seconds | Percentiles | None = None
    preferred_min_throughput: Any = None
    require_parameters: bool | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None
    enforce_distillable_text: bool | None = None
    quantizations: list[str] | None = None


MOST_USD = 1_000_000_000
"""Per million tokens: whoever means no ceiling leaves it out."""

NAME_THEM = "; name the deployments or providers that you mean in provider.only"

CANNOT: Mapping[str, tuple[tuple[Any, ...], str]] = {
    "data_collection": (("allow",), "it is not known here what providers keep" + NAME_THEM),
    "zdr": ((False,), "it is not known here what providers keep" + NAME_THEM),
    "enforce_distillable_text": (
        (False,), "it is not known here which models allow to be distilled" + NAME_THEM
    ),
    "quantizations": (([],), "it is not known here how providers quantize" + NAME_THEM),
    "preferred_min_throughput": (
        (), "tokens per second are not measured; ask for preferred_max_latency, in seconds"
    ),
}  # fmt: skip
"""By field: the values that ask for nothing, and why no other can be kept to."""

EXPECTED: Mapping[str, str] = {
    "order": "a list of names, at most 256",
    "only": "a list of names, at most 256",
    "ignore": "a list of names, at most 256",
    "quantizations": "a list of names",
    "allow_fallbacks": "true or false",
    "sort": '"price", "throughput" or "latency", or {"by": one of them}',
    "max_price": 'an object such as {"prompt": 1, "completion": 2}, in dollars per million tokens; '
    "no other price can be bounded here",
    "preferred_max_latency": 'seconds above 0, or {"p50": seconds}; no other share is kept to here',
    "data_collection": '"allow" or "deny"',
}
"""What a field must be, in words."""


def preferences_of(wishes: dict[str, Any], body: bytes) -> Preferences:
    """The caller's wishes as routing reads them; raises BadRequest naming the field.

    body    the request that they stand in
    """
    try:
        read = msgspec.convert(wishes, Wishes)
    except msgspec.ValidationError as error:
        raise _complaint(str(error)) from error
    _refuse_impossible(read)
    ceiling = read.max_price or Ceilings()
    return Preferences(
        only=tuple(read.only or ()),
        ignore=tuple(read.ignore or ()),
        order=tuple(read.order or ()),
        sort=read.sort.by if isinstance(read.sort, SortBy) else read.sort,
        max_prompt_usd_per_mtok=_ceiling("prompt", ceiling.prompt),
        max_completion_usd_per_mtok=_ceiling("completion", ceiling.completion),
        preferred_max_latency_s=_latency(read.preferred_max_latency),
        required_fields=frozenset(_fields.decode(body)) if read.require_parameters else NO_FIELDS,
        allow_fallbacks=read.allow_fallbacks is not False,
    )


def refuse_transforms(transforms: list[str] | None, route: str | None) -> None:
    """Raises BadRequest for OpenRouter's fields beside `provider` that cannot be kept to."""
    if transforms:
        raise BadRequest(
            "transforms: prompts are sent as they are; shorten it, or send an empty list",
            param="transforms",
        )
    if route not in (None, "fallback"):
        raise BadRequest('route must be "fallback"; leave it out', param="route")


def _refuse_impossible(read: Wishes) -> None:
    for name, (harmless, reason) in CANNOT.items():
        value = getattr(read, name)
        if value is not None and value not in harmless:
            raise BadRequest(
                f"provider.{name}: {msgspec.json.encode(value).decode()} cannot be kept to: "
                f"{reason}",
                param=f"provider.{name}",
            )


def _complaint(message: str) -> BadRequest:
    """A decoder's complaint as a sentence on the field."""
    at = re.search(r"`\$\.(\w+)", message)
    if at is None:
        return _unknown(message)
    name = at[1]
    expected = EXPECTED.get(name, "true or false")
    return BadRequest(f"provider.{name} must be {expected}", param=f"provider.{name}")


def _unknown(message: str) -> BadRequest:
    name = message.rpartition("field `")[2].rstrip("`")
    known = Wishes.__struct_fields__
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it may hold {', '.join(known)}"
    return BadRequest(f"provider.{name} is not known here; {hint}", param=f"provider.{name}")


def _ceiling(name: str, value: float | str | None) -> Decimal | None:
    """Dollars per million tokens; raises BadRequest."""
    if value is None:
        return None
    try:
        ceiling = Decimal(str(value))
    except ArithmeticError:
        ceiling = Decimal("NaN")
    if not (ceiling.is_finite() and 0 <= ceiling <= MOST_USD):
        raise BadRequest(
            f"provider.max_price.{name} must be dollars per million tokens, 0 to {MOST_USD}",
            param=f"provider.max_price.{name}",
        )
    return ceiling


def _latency(value: float | Percentiles | None) -> float | None:
    return value.p50 if isinstance(value, Percentiles) else value
