"""What a decoder says of a body, as its caller is told it: what, where and how to mend it."""

from __future__ import annotations

import re
from codecs import BOM_UTF8

import msgspec

from windsock.errors import BadRequest
from windsock.wire.caller_fields.ranges import RULES

KINDS = {
    "object": "a JSON object",
    "array": "a list",
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
}
"""Types, by the names that msgspec gives them."""

HALF = re.compile(
    rb"(?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])|\\u[dD][89abAB]..\\u[dD][c-fC-F]..)*+"
    rb"(?P<half>\\u)....",
    re.DOTALL,
)
"""Up to the first escape that is a code unit of a pair without the other. It looks at each byte
once, whatever the body is: nothing else is served meanwhile."""


def misfit(error: msgspec.ValidationError) -> BadRequest:
    """A field that is missing, too long or of another type."""
    said = str(error)
    missing = re.search(r"missing required field `(\w+)`", said)
    at = re.search(r"at `\$\.([\w.]+)", said)
    param = (missing or at)[1] if missing or at else None  # type: ignore[index]
    return BadRequest(RULES.get(param or "") or _sentence(said, param), param=param)


def no_json(body: bytes, error: Exception) -> BadRequest:
    """A body that cannot be read at all."""
    if not body.strip():
        return BadRequest("the body is empty; send a JSON object")
    if body.startswith(BOM_UTF8):
        return BadRequest("the body begins with a byte order mark; send UTF-8 without it")
    if half := HALF.match(body):
        return BadRequest(
            f"the escape at byte {half.start('half')} of the body is half a character, a surrogate"
            " without its pair; cut texts between characters"
        )
    return BadRequest(f"the body is not valid JSON: {error}")


def _sentence(said: str, param: str | None) -> str:
    if param and "missing required" in said:
        return f"{param} is missing; add it"
    name = param or "the body"
    if bound := re.search(r"`(str|array)` of length <= (\d+)", said):
        what = "characters" if bound[1] == "str" else "entries"
        return f"{name} has more than {bound[2]} {what}; shorten it"
    if wrong := re.search(r"Expected `([^`]+)`, got `(\w+)`", said):
        wanted = " or ".join(KINDS.get(kind, kind) for kind in wrong[1].split(" | "))
        return f"{name} must be {wanted}, not {KINDS.get(wrong[2], wrong[2])}"
    return f"{name}: {said.split(' - at')[0]}"
