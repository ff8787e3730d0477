"""Whose texts are held nowhere once a request is answered: its key, or the request, says so."""

from __future__ import annotations

from windsock.errors import BadRequest
from windsock.service.auth import Principal
from windsock.wire.request import UpstreamRequest

HEADER = "x-windsock-private"

SAID = {"true": True, "1": True, "false": False, "0": False}


def is_private(caller: Principal, asked: UpstreamRequest, header: str | None) -> bool:
    """Whether one of the three says so: the key, the header, or `data_collection = "deny"`.

    raises  BadRequest of a header that is neither true nor false
    """
    said = SAID.get((header or "false").lower())
    if said is None:
        raise BadRequest(f"{HEADER} must be true or false; leave it out", param=HEADER)
    return caller.is_private or said or asked.request.preferences.denies_collection
