"""Ids of calls, which Gemini names seldom: then its place among the calls does."""

from __future__ import annotations

import re
from typing import Any

MADE = re.compile(r"call_\d+_(.*)", re.DOTALL)


def made_id(number: int, name: Any) -> str:
    """Of the call with this number of those that are counted together."""
    return f"call_{number}_{name}"


def own_id(call_id: Any, name: Any) -> dict[str, Any]:
    """The field of a call or a result, {} for an id that was made here."""
    found = MADE.fullmatch(call_id) if isinstance(call_id, str) else None
    is_made = found is not None and found[1] == str(name)
    return {"id": call_id} if call_id and not is_made else {}
