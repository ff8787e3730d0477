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

from windsock.core.model.requests import Cutoffs, Preferences
from windsock.core.model.units import MTOK
from windsock.errors import BadRequest
from windsock.wire.caller_fields.names import Places

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])

NO_FIELDS: frozenset[str] = frozenset()

ONE = Decimal(1)

Sort = Literal["price", "throughput", "latency"]
Quantization = Literal["int4", "int8", "fp4", "fp6", "fp8", "fp16", "bf16", "fp32", "unknown"]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class SortBy(msgspec.Struct, forbid_unknown_fields=True):
    """The same as the name alone; `partition` "model" is how models are sorted here anyway."""

    by: Sort
    partition: Literal["model"] | None = None


Rate = Annotated[float, Meta(gt=0, le=1_000_000)]


class Latencies(msgspec.Struct, forbid_unknown_fields=True):
    """Seconds within which so many hundredths of calls have their first content."""

    p50: Seconds | None = None
    p75: Seconds | None = None
    p90: Seconds | None = None
    p99: Seconds | None = None


class Throughputs(msgspec.Struct, forbid_unknown_fields=True):
    """Tokens a second that so many hundredths of answers come at, or faster."""

    p50: Rate | None = None
    p75: Rate | None = None
    p90: Rate | None = None
    p99: Rate | None = None


class Ceilings(msgspec.Struct, forbid_unknown_fields=True):
    """US dollars per million tokens, per request and per image: a number, or a text that is one."""

    prompt: float | str | None = None
    completion: float | str | None = None
    request: float | str | None = None
    image: float | str | None = None


class Wishes(msgspec.Struct, forbid_unknown_fields=True):
    """The fields, their types and ranges."""

    order: Places | None = None
    only: Places | None = None
    ignore: Places | None = None
    allow_fallbacks: bool | None = None
    sort: Sort | SortBy | None = None
    max_price: Ceilings | None = None
    preferred_max_latency: Seconds | Latencies | None = None
    preferred_min_throughput: Rate | Throughputs | None = None
    require_parameters: bool | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None
    enforce_distillable_text: bool | None = None
    quantizations: list[Quantization] | None = None


MOST_USD = 1_000_000_000
"""Of a ceiling: whoever means none leaves it out."""

EXPECTED: Mapping[str, str] = {
    "order": "a list of names, at most 256",
    "only": "a list of names, at most 256",
    "ignore": "a list of names, at most 256",
    "quantizations": "a list of int4, int8, fp4, fp6, fp8, fp16, bf16, fp32 or unknown",
    "allow_fallbacks": "true or false",
    "sort": '"price", "throughput" or "latency", or {"by": one of them}',
    "max_price": 'an object such as {"prompt": 1, "completion": 2}, in dollars per million tokens, '
    "or with request or image, in dollars for each",
    "preferred_max_latency": 'seconds above 0, or some of {"p50", "p75", "p90", "p99"}: seconds',
    "preferred_min_throughput": "tokens a second above 0, or some of "
    '{"p50", "p75", "p90", "p99"}: tokens a second',
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
    most = read.max_price or Ceilings()
    listed = read.order if read.allow_fallbacks is False and read.order else ()
    return Preferences(
        only=tuple(read.only or listed),
        ignore=tuple(read.ignore or ()),
        order=tuple(read.order or ()),
        sort=read.sort.by if isinstance(read.sort, SortBy) else read.sort,
        max_prompt_usd_per_mtok=_ceiling("prompt", most.prompt),
        max_completion_usd_per_mtok=_ceiling("completion", most.completion),
        max_request_usd_per_mtok=_ceiling("request", most.request, MTOK),
        max_image_usd_per_mtok=_ceiling("image", most.image, MTOK),
        latency_cutoffs=_cutoffs(read.preferred_max_latency),
        speed_cutoffs=_cutoffs(read.preferred_min_throughput),
        zdr=bool(read.zdr),
        denies_collection=read.data_collection == "deny",
        distillable=bool(read.enforce_distillable_text),
        quantizations=tuple(read.quantizations or ()),
        required_fields=frozenset(_fields.decode(body)) if read.require_parameters else NO_FIELDS,
        allow_fallbacks=read.allow_fallbacks is not False or (not read.only and len(listed) > 1),
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


def _ceiling(name: str, value: float | str | None, units: Decimal = ONE) -> Decimal | None:
    """Dollars for a million of what is stated in dollars for so many; raises BadRequest.

    units   how many of these are in the million
    """
    if value is None:
        return None
    try:
        ceiling = Decimal(str(value))
    except ArithmeticError:
        ceiling = Decimal("NaN")
    if not (ceiling.is_finite() and 0 <= ceiling <= MOST_USD):
        of_what = "per million tokens" if units == ONE else f"for each {name}"
        raise BadRequest(
            f"provider.max_price.{name} must be dollars {of_what}, 0 to {MOST_USD}",
            param=f"provider.max_price.{name}",
        )
    return ceiling * units


def _cutoffs(value: float | Latencies | Throughputs | None) -> Cutoffs:
    """A bound alone holds for half of the calls."""
    if value is None:
        return ()
    if isinstance(value, float | int):
        return ((0.5, float(value)),)
    stated = ((name, getattr(value, name)) for name in value.__struct_fields__)
    return tuple((int(name[1:]) / 100, bound) for name, bound in stated if bound is not None)
