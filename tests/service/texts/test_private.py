"""Who may say that texts are held nowhere."""

import pytest

from windsock.core.model.requests import Preferences, RouteRequest
from windsock.errors import BadRequest
from windsock.service.auth import Principal
from windsock.service.texts.private import is_private
from windsock.wire.caller_fields.own_headers import PRIVATE, wishes_in
from windsock.wire.request import UpstreamRequest

DENIES = Preferences(denies_collection=True)


def asked(preferences: Preferences) -> UpstreamRequest:
    request = RouteRequest(model="auto", preferences=preferences)
    return UpstreamRequest(raw=b"{}", request=request, wants_usage=False)


@pytest.mark.parametrize(
    ("caller", "preferences", "headers", "said"),
    [
        (Principal(), Preferences(), {}, False),
        (Principal(), Preferences(), {PRIVATE: b"false"}, False),
        (Principal(), Preferences(), {PRIVATE: b"True"}, True),
        (Principal(is_private=True), Preferences(), {PRIVATE: b"0"}, True),
        (Principal(), DENIES, {}, True),
    ],
)
def test_the_key_the_header_and_the_request_each_may(caller, preferences, headers, said) -> None:
    assert is_private(caller, asked(preferences), wishes_in(headers)) is said


@pytest.mark.parametrize("said", [b"yes", b"2", b"null", b" true"])
def test_what_is_neither_true_nor_false_is_refused(said: bytes) -> None:
    with pytest.raises(BadRequest, match="must be true or false"):
        wishes_in({PRIVATE: said})
