"""Who may say that texts are held nowhere."""

import pytest

from windsock.core.model.requests import Preferences, RouteRequest
from windsock.errors import BadRequest
from windsock.service.auth import Principal
from windsock.service.texts.private import is_private
from windsock.wire.request import UpstreamRequest

DENIES = Preferences(denies_collection=True)


def asked(preferences: Preferences) -> UpstreamRequest:
    request = RouteRequest(model="auto", preferences=preferences)
    return UpstreamRequest(raw=b"{}", request=request, wants_usage=False)


@pytest.mark.parametrize(
    ("caller", "wishes", "header", "said"),
    [
        (Principal(), Preferences(), None, False),
        (Principal(), Preferences(), "false", False),
        (Principal(), Preferences(), "True", True),
        (Principal(is_private=True), Preferences(), "0", True),
        (Principal(), DENIES, None, True),
    ],
)
def test_the_key_the_header_and_the_request_each_may(caller, wishes, header, said) -> None:
    assert is_private(caller, asked(wishes), header) is said


@pytest.mark.parametrize("header", ["yes", "2", "null", " true"])
def test_what_is_neither_true_nor_false_is_refused(header: str) -> None:
    with pytest.raises(BadRequest, match="must be true or false"):
        is_private(Principal(), asked(Preferences()), header)
