"""A number that no program counts is found wherever it stands, and only there."""

import pytest

from windsock.errors import BadRequest
from windsock.wire.caller_fields.body_bounds import BLOCK, MOST_DIGITS, check_body


@pytest.mark.parametrize("before", [0, 1, BLOCK - 7, BLOCK - 1, BLOCK, 3 * BLOCK + 11])
def test_a_number_is_refused_for_its_digits_wherever_it_begins(before: int) -> None:
    for digits in (MOST_DIGITS, MOST_DIGITS + 1, 3 * MOST_DIGITS):
        with pytest.raises(BadRequest, match="digits"):
            check_body(b'{"n":' + b" " * before + b"1" * digits + b"}")
    check_body(b'{"n":' + b" " * before + b"1" * (MOST_DIGITS - 1) + b"}")
    check_body(b'{"n":"' + b" " * before + b"1" * (2 * MOST_DIGITS) + b'"}')
