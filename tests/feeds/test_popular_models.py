"""Popular models and their facets against a table that was made by hand."""

import pytest

from tests.benchmarks.prices_popular import BAR, facts, table


@pytest.fixture(scope="module")
def found():
    return list(facts())


def test_nearly_every_facet_of_popular_models_is_right(found) -> None:
    wrong = [(*fact.row.values(), fact.found) for fact in found if not fact.is_right]
    assert 1 - len(wrong) / len(found) >= BAR, wrong


@pytest.mark.parametrize("tier", ["flex", "batch", "priority"])
def test_service_tiers_are_in_force(found, tier) -> None:
    rows = [fact for fact in found if fact.row["service_tier"] == tier]
    assert sum(fact.is_right for fact in rows) / len(rows) >= 0.85
    assert len(rows) >= 20


def test_which_list_comes_first_makes_no_difference(found) -> None:
    assert [fact.found for fact in facts(is_reversed=True)] == [fact.found for fact in found]


def test_every_row_names_its_page() -> None:
    assert all(row["source"].startswith("https://") for row in table())
