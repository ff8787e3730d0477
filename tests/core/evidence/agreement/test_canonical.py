"""Two answers agree where they say the same, however they are spelt, and only there."""

from __future__ import annotations

import pytest

from windsock.core.evidence.agreement.canonical import Canonical, Form
from windsock.core.evidence.agreement.sql import is_ordered

TEXT, NUMBER, JSON = (Canonical(form=each) for each in (Form.TEXT, Form.NUMBER, Form.JSON))
TABLES = """
CREATE TABLE town (name TEXT, people INTEGER, area REAL, mayor TEXT);
INSERT INTO town VALUES ('Ulm', 126000, 118.7, NULL), ('Jena', 111000, 114.8, 'Ina'),
 ('Trier', 110000, 117.0, 'Bo'), ('Celle', 69000, 176.0, '');
"""
SQL = Canonical(form=Form.SQL, tables=TABLES)


def agree(form: Canonical, first: str, second: str) -> bool | None:
    both = {form.agree({"content": one}, {"content": other}) for one, other in
            ((first, second), (second, first))}  # fmt: skip
    assert len(both) == 1, "who is asked first plays no part"
    return both.pop()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("42", "The answer is 42."),
        ("42", "**42**"),
        ("42", "```\n42\n```"),
        ("42", "```text\n42"),
        ("42", "6 * 7 = 42"),
        ("42", "First I add 40.\nThen 2 more.\n\nFinal answer: 42"),
        ("42", "So the answer is 42 apples."),
        ("42", "\\boxed{42}"),
        ("42", "$42$"),
        ("42", "４２"),
        ("42", "٤٢"),
        ("42", "42\u200b"),
        ("42", "about 42"),
        ("1,234", "1234"),
        ("1,234.50", "1.234,50"),
        ("1 000 000", "1e6"),
        ("1\u202f000\u202f000", "1.0 million"),
        ("1'000", "10^3"),
        ("10,00,000", "1,000,000"),
        ("1.5 × 10³", "1500"),
        ("1.5E-4", "0.00015"),
        ("12,5", "12.50"),
        ("50%", "0.5"),
        ("50 percent", "50 %"),
        ("50", "50%"),
        ("12.5%", "0.125"),
        ("½", "0.50"),
        ("3½", "3 1/2"),
        ("\\frac{3}{4}", "0.75"),
        ("−5", "-5.0"),
        ("-$5", "-5 dollars"),
        ("$1,200.00", "1200"),
        ("5 km", "5 kilometers"),
        ("5km", "The result is 5 km."),
        ("0.1", "0.1000000000000000055"),
        (".5", "0.5"),
        ("-0", "0"),
        ("12345678901234567890", "12,345,678,901,234,567,890"),
    ],
)
def test_a_number_is_the_same_in_any_dress(first: str, second: str) -> None:
    assert agree(NUMBER, first, second) is True


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("42", "-42"),
        ("42", "42.5"),
        ("0.5", "0.5%"),
        ("5000%", "0.5"),
        ("5 km", "5 miles"),
        ("$5", "€5"),
        ("102", "10²"),
        ("31/2", "3½"),
        ("1.234", "1,234"),
        ("12345678901234567890", "12345678901234567891"),
        ("1e3", "1e-3"),
        ("5 thousand", "5"),
        ("1/3", "0.333"),
    ],
)
def test_numbers_that_differ_never_agree(first: str, second: str) -> None:
    assert agree(NUMBER, first, second) is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I don't know.",
        "The answer is not 42.",
        "It isn't 42",
        "10-20",
        "between 3 and 3",
        "at least 42",
        "< 42",
        "±3",
        "3 + 4i",
        "(3, 3)",
        "5x",
        "x - 5",
        "2√3",
        "5π",
        "5/8/2024",
        "1.2.3",
        "192.168.0.1",
        "12:30",
        "42nd",
        "1e999999999",
        "1/0",
        "7, 8",
    ],
)
def test_what_states_no_single_number_agrees_with_nothing(text: str) -> None:
    assert NUMBER.of({"content": text}) is None
    assert agree(NUMBER, text, text) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Paris", "paris."),
        ("Paris", "The answer is **Paris**."),
        ("Paris", "It is on the Seine.\nFinal answer: Paris"),
        ("Paris", ' "Paris" '),
        ("Paris", "“Paris”"),
        ("Paris", "```\nParis\n```"),
        ("(B)", "b"),
        ("New  York", "new\nyork"),
        ("[9, 1, 0]", "[9,1,0]"),
        ("{1: 'a', 2: 'b'}", "{ 1:'a', 2:'b'}"),
        ("Café", "Cafe\u0301"),
        ("STRASSE", "straße"),
        ("don't", "don’t"),
        ("x²", "x^2"),
        ("fi", "ﬁ"),
        ("naïve", "na\u200bïve"),
        ("東京", "東京"),
    ],
)
def test_style_is_no_difference_between_texts(first: str, second: str) -> None:
    assert agree(TEXT, first, second) is True


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Paris", "not Paris"),
        ("The answer is Paris.", "The answer is not Paris."),
        ("It is legal", "It isn't legal"),
        ("yes", "no"),
        ("A", "AB"),
        ("B) Rome", "B) Paris"),
        ("Dr. No", "Dr. Who"),
        ("resume", "résumé"),
        ("(a) and (b)", "a) and (b"),
        ("normalcharsqwet42", "'normal chars qwet42'"),
        ("148: b'148'", "148: b'149'"),
        ("C", "C++"),
    ],
)
def test_every_word_of_a_text_counts(first: str, second: str) -> None:
    assert agree(TEXT, first, second) is False


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('{"a": 1, "b": [1, 2]}', '{"b":[1.0,2e0],"a":1.00}'),
        ('{"a": 1}', 'Here you are:\n```json\n{"a": 1}\n```'),
        ('{"a": 0.3}', '{"a": 0.30000000000000004}'),
        ('{"a": "é"}', '{"a": "e\\u0301"}'),
        ('{"a": "/"}', '{"a": "\\/"}'),
        ("[]", " [ ] "),
        ('{"a": -0.0}', '{"a": 0}'),
        ("1000", "1e3"),
    ],
)
def test_json_is_the_same_by_what_it_means(first: str, second: str) -> None:
    assert agree(JSON, first, second) is True


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("[1, 2]", "[2, 1]"),
        ('{"a": null}', "{}"),
        ('{"a": true}', '{"a": 1}'),
        ('{"a": "1"}', '{"a": 1}'),
        ('{"a": "x"}', '{"a": "X"}'),
        ('{"a": {}}', '{"a": []}'),
        ('{"id": 12345678901234567890}', '{"id": 12345678901234567891}'),
        ('{"id": 9007199254740993}', '{"id": 9007199254740992}'),
    ],
)
def test_json_that_means_something_else_differs(first: str, second: str) -> None:
    assert agree(JSON, first, second) is False


@pytest.mark.parametrize(
    "text",
    ["no json", '{"a": 1, "a": 2}', '{"a": NaN}', "[" * 50_000, '{"a": 1e9999999999999}', ""],
)
def test_what_is_no_json_agrees_with_nothing(text: str) -> None:
    assert agree(JSON, text, text) is None


def test_one_field_of_an_answer_may_be_all_that_counts() -> None:
    form = Canonical(form=Form.NUMBER, field="result.answer")
    first = '```json\n{"reasoning": "six times 7", "result": {"answer": "42"}}\n```'
    assert agree(form, first, '{"result": {"answer": 42.0}}') is True
    assert agree(form, first, '{"result": {"answer": "41"}}') is False
    assert agree(form, first, '{"reasoning": "42"}') is None
    assert agree(form, first, '{"result": 42}') is None


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("SELECT name FROM town", "```sql\nSELECT t.name FROM town AS t;\n```", True),
        ("SELECT name FROM town", "SELECT name FROM (SELECT * FROM town ORDER BY area)", True),
        ("SELECT count(*) FROM town", "SELECT 4.0", True),
        ("SELECT name FROM town ORDER BY people", "SELECT name FROM town ORDER BY people", True),
        (
            "SELECT name FROM town ORDER BY people",
            "SELECT name FROM town ORDER BY people DESC",
            False,
        ),
        ("SELECT name FROM town", "SELECT name FROM town ORDER BY name", False),
        ("SELECT name FROM town ORDER BY name", "SELECT name FROM town /* order by */", False),
        ("SELECT mayor FROM town", "SELECT coalesce(mayor, '') FROM town", False),
        ("SELECT name FROM town", "SELECT DISTINCT name FROM town UNION ALL SELECT 'Ulm'", False),
        ("SELECT name, people FROM town", "SELECT people, name FROM town", False),
        ("SELECT 1", "SELECT '1'", False),
        ("SELECT name FROM town WHERE area > 999", "SELECT name FROM town WHERE 0", None),
        ("SELECT nme FROM town", "SELECT name FROM town", None),
        ("DELETE FROM town", "DELETE FROM town", None),
        ("SELECT name FROM town; SELECT 1", "SELECT name FROM town", None),
    ],
)
def test_queries_agree_by_their_result(first: str, second: str, same: bool | None) -> None:
    assert agree(SQL, first, second) is same


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("SELECT a FROM t ORDER\n BY a", True),
        ("SELECT row_number() OVER (ORDER BY a) FROM t", False),
        ("SELECT 'order by', \"order by\", [order by] FROM t -- order by", False),
        ("WITH x AS (SELECT 1 ORDER BY 1) SELECT * FROM x", False),
        ("SELECT 'it''s (' FROM t ORDER BY 1", True),
        ("SELECT 1 UNION SELECT 2 ORDER BY 1", True),
    ],
)
def test_a_query_is_ordered_by_its_own_words_alone(query: str, ordered: bool) -> None:
    assert is_ordered(query) is ordered


def test_an_answer_that_calls_a_tool_has_no_canonical_form() -> None:
    message = {"content": "42", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
    assert NUMBER.agree(message, {"content": "42"}) is None
    assert NUMBER.agree({"content": None}, {"content": "42"}) is None


@pytest.mark.parametrize("form", [TEXT, NUMBER, JSON, SQL], ids=lambda each: each.form.value)
@pytest.mark.parametrize(
    "piece", ["1,", "```", "\\boxed{", "((", "[", "the answer is ", "' ", "$", "- ", "\\frac{1}{"]
)
def test_the_longest_answer_is_read_to_its_end(form: Canonical, piece: str) -> None:
    """What grows with the square of its length would take minutes here."""
    says = form.of({"content": (piece * 60_000)[:59_000]})
    assert (says is None) is (form is not TEXT)
