"""What deployments refused: bounded, forgotten after a day, kept in snapshots."""

import json

from tests.builders import START
from windsock.core.model.requests import Unsupported
from windsock.core.model.unsupported import KEEP_S, MAX_FACTS, UnsupportedParameters

SEED = Unsupported(field="seed")
TOOLS = Unsupported(field="tools")
SCHEMA = Unsupported(field="response_format", value="json_schema")


def test_a_fact_is_news_once_a_day() -> None:
    known = UnsupportedParameters()
    assert known.observe("a/m", (SEED,), START) == [SEED]
    assert known.observe("a/m", (SEED,), START + 5) == []
    assert known.of("a/m", START + KEEP_S) == (SEED,)
    assert known.of("a/m", START + 5 + KEEP_S) == ()
    assert known.observe("a/m", (SEED,), START + 5 + KEEP_S) == [SEED]


def test_it_is_a_fact_of_one_deployment() -> None:
    known = UnsupportedParameters()
    known.observe("a/m", (SEED,), START)
    assert known.of("b/m", START) == ()
    assert known.heard("a/m", START + 60) == {"seed": 60}
    assert known.heard("b/m", START) == {}


def test_what_asks_for_it_is_ruled_out_and_nothing_else() -> None:
    known = UnsupportedParameters()
    known.observe("a/m", (SEED, TOOLS, SCHEMA), START)
    assert known.ruled_out("a/m", {"vision", "json_object"}, START) is None
    assert str(known.ruled_out("a/m", {"tools"}, START)) == "does not take tools"
    both = known.ruled_out("a/m", {"tools", "json_schema"}, START)
    assert str(both) == "does not take tools or a JSON schema"
    assert known.ruled_out("a/m", {"tools"}, START + KEEP_S) is None


def test_names_without_end_take_no_memory_without_end() -> None:
    known = UnsupportedParameters()
    facts = [Unsupported(field=f"x{number}") for number in range(3 * MAX_FACTS)]
    for fact in facts:
        known.observe("a/m", (fact,), START)
    assert known.of("a/m", START) == tuple(facts[-MAX_FACTS:])


def test_a_snapshot_keeps_it_exactly() -> None:
    known, again = UnsupportedParameters(), UnsupportedParameters()
    known.observe("a/m", (SEED, SCHEMA, Unsupported(field="user", most=64)), START)
    again.from_state(json.loads(json.dumps(known.to_state())))
    assert again.of("a/m", START) == known.of("a/m", START)
    assert again.to_state() == known.to_state()


def test_what_others_were_answered_with_is_refused_to_three_before_it_is_believed() -> None:
    known, tools = UnsupportedParameters(), [Unsupported(field="tools")]
    known.prove("box/m", {"tools"}, 0.0)
    for asked in (1, 1, 2, 2):
        assert known.observe("box/m", tools, 10.0, asked) == []
    assert known.ruled_out("box/m", {"tools"}, 10.0) is None
    assert known.observe("box/m", tools, 11.0, 3) == tools
    assert known.ruled_out("box/m", {"tools"}, 11.0) is not None


def test_an_answer_begins_the_count_anew_and_is_forgotten_after_a_day() -> None:
    known, tools = UnsupportedParameters(), [Unsupported(field="tools")]
    known.prove("box/m", {"tools"}, 0.0)
    known.observe("box/m", tools, 1.0, 1)
    known.observe("box/m", tools, 2.0, 2)
    known.prove("box/m", {"tools"}, 3.0)
    assert known.observe("box/m", tools, 4.0, 3) == []
    assert known.observe("box/m", tools, 3.0 + KEEP_S, 4) == tools


def test_fields_that_may_be_left_out_and_requests_of_which_nobody_says_are_believed() -> None:
    known = UnsupportedParameters()
    known.prove("box/m", {"tools"}, 0.0)
    seed, tools = [Unsupported(field="seed")], [Unsupported(field="tools")]
    assert known.observe("box/m", seed, 1.0, 1) == seed
    assert known.observe("box/m", tools, 1.0) == tools
