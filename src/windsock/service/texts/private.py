"""Whose texts are held nowhere once a request is answered: its key, or the request, says so."""

from __future__ import annotations

from windsock.service.auth import Principal
from windsock.wire.caller_fields.own_headers import Wishes
from windsock.wire.request import UpstreamRequest


def is_private(caller: Principal, asked: UpstreamRequest, wishes: Wishes) -> bool:
    """Whether one of the three says so: the key, the header, or `data_collection = "deny"`."""
    denied = asked.request.preferences.denies_collection
    return caller.is_private or wishes.is_private or denied
