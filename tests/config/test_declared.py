"""Durations, moments and faults are read alike wherever people declare something."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pydantic import BaseModel, ValidationError

from windsock.resources.declared import first_fault, moment, seconds

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


class Table(BaseModel):
    prompt_tokens: int = 0
    admin_token: str | None = None


@pytest.mark.parametrize(
    "stated",
    [
        NEW_YEAR,
        Decimal(int(NEW_YEAR)),
        date(2026, 1, 1),
        datetime(2026, 1, 1, tzinfo=UTC),
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00Z",
        "2026-01-01T01:00:00+01:00",
    ],
)
def test_a_moment_without_a_zone_is_utc(stated: object) -> None:
    assert moment(stated) == NEW_YEAR


@pytest.mark.parametrize("stated", [True, "soon", "", None])
def test_what_is_no_moment_or_duration_is_refused(stated: object) -> None:
    for read in (moment, seconds):
        with pytest.raises(ValueError, match=r"soon|duration|isoformat"):
            read(stated)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"prompt_tokens": "many"}, "not 'many'"),
        ({"admin_token": 7}, "admin_token: input should be a valid string"),
    ],
)
def test_a_fault_shows_what_was_given_but_never_a_secret(body, sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Table.model_validate(body)
    place, told = first_fault(caught.value)
    assert place == list(body) and told.endswith(sentence)
