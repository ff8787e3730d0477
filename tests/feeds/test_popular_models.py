"""Popular models and their facets against a table that was checked by hand against pages."""

import re

import pytest

from tests.benchmarks.prices_popular import BAR, BAR_MODELS, facts, table

pytestmark = pytest.mark.xdist_group("popular models")


@pytest.fixture(scope="module")
def found():
    return list(facts())


@pytest.fixture(scope="module")
def sourced(found):
    return [fact for fact in found if fact.is_sourced]


def test_nearly_every_facet_of_popular_models_is_right(sourced) -> None:
    wrong = [(*fact.row.values(), fact.found) for fact in sourced if not fact.is_right]
    assert 1 - len(wrong) / len(sourced) >= BAR, wrong
    assert len({fact.row["deployment"] for fact in sourced}) >= BAR_MODELS


@pytest.mark.parametrize("tier", ["flex", "batch", "priority", "fast"])
def test_service_tiers_are_in_force(sourced, tier) -> None:
    rows = [fact for fact in sourced if fact.row["service_tier"] == tier]
    assert sum(fact.is_right for fact in rows) / len(rows) >= 0.94
    assert len(rows) >= 6


def test_hours_and_dates_are_in_force_at_their_moment(sourced) -> None:
    rows = [fact for fact in sourced if fact.row["at"]]
    assert [fact.row for fact in rows if not fact.is_right] == []
    assert len(rows) >= 20


def test_which_list_comes_first_makes_no_difference(found) -> None:
    assert [fact.found for fact in facts(is_reversed=True)] == [fact.found for fact in found]


def test_every_row_names_its_page_and_when_it_was_read() -> None:
    assert all(row["source"].startswith("https://") for row in table())
    assert all(re.fullmatch(r"(20\d\d-\d\d(-\d\d)?)?", row["read"]) for row in table())
