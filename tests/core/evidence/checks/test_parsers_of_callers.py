"""The caller's own parser is the check: schemas, tools, languages, whole texts, refusals."""

import json
from typing import Any

import pytest

from windsock.core.evidence.checks.declared import DEFAULT_CHECKS, Asked, Checks
from windsock.core.evidence.checks.languages import checked_language, is_in, language_of
from windsock.core.evidence.checks.patterns import steps
from windsock.core.evidence.checks.refusals import refuses
from windsock.core.evidence.checks.schemas import MOST_PATTERN_STEPS, fits
from windsock.core.evidence.checks.texts import is_whole
from windsock.core.evidence.checks.tools import calls_fit

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "age": {"type": ["integer", "null"], "minimum": 0},
        "kind": {"enum": ["a", "b", 1]},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "maxItems": 2},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"tag": {"type": "string", "pattern": "^[a-z]+$"}},
}
LEAF = {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}
NODE = {"type": "object", "required": ["value"], "properties": {"next": LEAF}}
TREE = {"$ref": "#/$defs/node", "$defs": {"node": NODE}}


@pytest.mark.parametrize(
    ("value", "schema", "is_fine"),
    [
        ({"name": "x", "age": 3.0, "kind": 1, "tags": ["a"]}, PERSON, True),
        ({"name": "x", "age": None}, PERSON, True),
        ({"age": 3}, PERSON, False),
        ({"name": ""}, PERSON, False),
        ({"name": "x", "age": -1}, PERSON, False),
        ({"name": "x", "age": True}, PERSON, False),
        ({"name": "x", "kind": True}, PERSON, False),
        ({"name": "x", "tags": ["A"]}, PERSON, False),
        ({"name": "x", "tags": ["a", "b", "c"]}, PERSON, False),
        ({"name": "x", "more": 1}, PERSON, False),
        ("x", PERSON, False),
        ({"value": 1, "next": {"value": 2, "next": None}}, TREE, True),
        ({"value": 1, "next": {"next": None}}, TREE, False),
        (3, {"oneOf": [{"type": "integer"}, {"minimum": 5}]}, True),
        (7, {"oneOf": [{"type": "integer"}, {"minimum": 5}]}, False),
        ({"a": 1}, {"if": {"required": ["a"]}, "then": {"required": ["b"]}}, False),
        (None, {"type": "string", "nullable": True}, True),
        (0.3, {"multipleOf": 0.1}, True),
        ("2026-13-45", {"type": "string", "format": "date"}, True),
        ("x", {"$ref": "https://example.com/schema.json"}, True),
        ("x", {"type": "STRING"}, True),
        ("x", {"maximum": "five", "what-is-this": 3}, True),
        (None, {"enum": ["a"], "nullable": True}, True),
        (None, {"enum": ["a"]}, False),
        ("a" * 400 + "!", {"pattern": "^(a+)+$"}, True),
        ("a" * 400 + "!", {"pattern": "^(a|aa)+$"}, True),
        ("a" * 400 + "!", {"pattern": "^((a|aa)(a|aa))+$"}, True),
        ("a" * 400 + "!", {"pattern": ".*.*.*.*b"}, True),
        ("a" * 30 + "!", {"pattern": "^" + "a?" * 30 + "a" * 30 + "$"}, True),
        ("someone@example", {"pattern": "^[^@]+@[^@]+\\.[a-z]+$"}, False),
        ("1.2.3", {"pattern": "^(\\d{1,3}\\.){3}\\d{1,3}$"}, False),
        ("de:ad", {"pattern": "^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$"}, False),
        ("violet", {"pattern": "^(red|green|blue)$"}, False),
        (
            [f"k{n}" for n in range(3000)] + ["z"],
            {"items": {"enum": [f"k{n}" for n in range(3000)]}},
            False,
        ),
    ],
)
def test_a_value_fits_its_schema_and_what_cannot_be_read_fails_nothing(
    value: Any, schema: Any, is_fine: bool
) -> None:
    """Gemini writes types in capitals; remote parts are not fetched, evil patterns not tried."""
    assert fits(value, schema) is is_fine


@pytest.mark.parametrize(
    ("pattern", "is_quick"),
    [
        (r"^\d{4}-\d{2}-\d{2}$", True),
        (r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", True),
        (r"^\+?[1-9]\d{1,14}$", True),
        (r"^(?=.*[a-z])(?=.*\d).{8,}$", True),
        (r"^[(]a|b[)]+$", True),
        (r"^([a-z]+-?)*$", False),
        (r"(x+x+)+y", False),
        (r"(.*)(.*)(.*)(.*)b", False),
        ("(a|aa)" * 40 + "b", False),
        (r"(a{1,9}){9}", False),
        (r"(?>a+)b", False),
        ("a" * 501, False),
    ],
)
def test_what_a_pattern_may_take_is_told_from_the_pattern(pattern: str, is_quick: bool) -> None:
    assert (steps(pattern, 60) <= MOST_PATTERN_STEPS) is is_quick


def test_a_large_answer_is_not_looked_at_whole_again_and_again() -> None:
    """What is left over passes."""
    one = {"uniqueItems": True, "maxItems": 1}
    value = [f"x{n}" for n in range(5000)]
    assert not fits(value, {"anyOf": [one] * 3})
    assert fits(value, {"anyOf": [one] * 500})


def test_a_schema_without_end_has_one() -> None:
    endless = {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}
    assert fits({"a": 1}, endless)


CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": CITY}}
PING = {"type": "function", "function": {"name": "ping"}}


@pytest.mark.parametrize(
    ("name", "arguments", "is_fine"),
    [
        ("weather", '{"city": "Rome"}', True),
        ("weather", {"city": "Rome"}, True),
        ("weather", '{"city": 3}', False),
        ("weather", "{}", False),
        ("weather", "", False),
        ("weather", '{"city": "Rome"', False),
        ("weather", '"Rome"', False),
        ("wether", '{"city": "Rome"}', False),
        ("ping", "", True),
        ("ping", None, True),
        ("ping", '{"any": 1}', True),
    ],
)
def test_a_tool_call_names_a_tool_and_gives_what_it_takes(
    name: str, arguments: Any, is_fine: bool
) -> None:
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
    assert calls_fit([call], [WEATHER, PING]) is is_fine


def test_calls_of_other_kinds_and_unknown_tools_are_no_failures() -> None:
    assert calls_fit([{"type": "custom", "custom": {"name": "x", "input": "anything"}}], [WEATHER])
    call = {"function": {"name": "whatever", "arguments": "{}"}}
    assert calls_fit([call], [])
    assert calls_fit(["nonsense", {"function": "no"}], [])


def test_where_nothing_is_declared_the_callers_own_parser_is_the_check() -> None:
    call = {"function": {"name": "weather", "arguments": "{}"}}
    asked = Asked(tools=[WEATHER], schema=PERSON)
    made = DEFAULT_CHECKS.results({"content": None, "tool_calls": [call]}, asked)
    assert made == {"tool_calls": False}
    assert DEFAULT_CHECKS.results({"content": '{"name": "x"}'}, asked) == {"schema": True}
    assert DEFAULT_CHECKS.results({"content": "a text"}, Asked()) == {}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The answer to this is that the sum of the two is not what you would have it be.", "en"),
        ("Das ist nicht die Antwort auf die Frage, die wir uns für den Tag mit dir stellen.", "de"),
        ("Les deux nombres ne sont pas dans la liste que vous avez donnée pour cette tâche.", "fr"),
        ("El resultado de la suma es que los dos no están en la lista por lo que se pide.", "es"),
        ("これは質問への答えです。", "ja"),
        ("这是问题的答案。", "zh"),
        ("Это ответ на вопрос.", "ru"),
        ("42", None),
        ("def f(x):\n    return x", None),
        ("```python\nthe of and to in is that for it with as are this be on not\n```", None),
    ],
)
def test_a_language_is_told_where_it_is_plain(text: str, language: str | None) -> None:
    assert language_of(text) == language


def test_only_what_is_plainly_another_language_fails() -> None:
    german = "Das ist nicht die Antwort auf die Frage, die wir uns für den Tag stellen und mit dir."
    assert is_in(german, "de-AT")
    assert not is_in(german, "en")
    assert is_in("OK.", "en")
    assert is_in("Це відповідь на питання.", "uk")
    assert is_in(german, "tlh"), "a language that nothing here tells fails nothing"
    with pytest.raises(ValueError, match="no language that is told"):
        checked_language("klingon")


def test_the_prompts_own_language_may_be_asked_for() -> None:
    checks = Checks(language="asked")
    english = Asked(prompt="What is the name of the city that is on the river in the north of it?")
    assert not checks.holds({"content": "东京是日本的首都。"}, english)
    assert checks.holds({"content": "东京是日本的首都。"}, Asked(prompt="hi"))


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ('{"a": [1, 2', False),
        ('{"a": "b', False),
        ('{"a": ', False),
        ("Here:\n```python\nprint(1)", False),
        ("Here:\n```python\nprint(1)\n```", True),
        ('{"a": 1}', True),
        ("[link](x) is a text", True),
        ("{name} is a placeholder", True),
        ("A sentence", True),
        ("", True),
    ],
)
def test_what_breaks_off_is_seen(text: str, is_so: bool) -> None:
    assert is_whole(text) is is_so
    assert not Checks(whole=True).holds({"content": "fine"}, Asked(finish_reason="length"))


@pytest.mark.parametrize(
    "text",
    ["I’m sorry, but I can’t help with that.", "Unfortunately, I cannot do this.",
     "Es tut mir leid, aber dabei kann ich nicht helfen.", "Lo siento, no puedo ayudar.",
     "Je suis désolé, je ne peux pas.", "申し訳ありませんが", "抱歉，我无法",
     "Mi dispiace, non posso", "As a large language model, I"],
)  # fmt: skip
def test_refusals_in_the_languages_of_questions(text: str) -> None:
    assert refuses({"content": text})


def test_what_only_speaks_of_refusing_is_none() -> None:
    assert not refuses({"content": "The man said: I cannot come. It is the best line."})
    assert not refuses({"content": "Sorry! " + "The long answer goes on. " * 60})
    assert not refuses({"content": "I can see it."})
    assert refuses({"content": None, "refusal": "I can't help with that."})


def test_each_check_is_told_by_its_name() -> None:
    checks = Checks(non_empty=True, json="lenient", schema=PERSON, most_chars=90, no_loop=True)
    text = "Sure:\n```json\n" + json.dumps({"name": 3}) + "\n```"
    assert checks.results({"content": text}) == {
        "non_empty": True,
        "length": True,
        "no_loop": True,
        "json": True,
        "schema": False,
    }
