"""How long an answer says that it is."""

from collections.abc import Mapping


def length_of(headers: Mapping[str, str]) -> int:
    """Of a body in bytes as its head states it, 0 if it does not."""
    stated = headers.get("content-length", "")
    return int(stated) if stated.isdigit() else 0
