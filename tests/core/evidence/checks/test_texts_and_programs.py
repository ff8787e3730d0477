"""What the caller's own parser would say of an answer."""

import re

import pytest

from windsock.config.file import parse
from windsock.core.evidence.checks.declared import Checks
from windsock.core.evidence.checks.programs import compiles, runs
from windsock.core.evidence.checks.texts import is_number, loops
from windsock.errors import ConfigError

TABLES = """
create table users (id integer primary key, name text, born date);
create table orders (id integer, user_id integer, usd real);
insert into users values (1, 'Ada', '1815-12-10');
"""


JOINED = "FROM users u JOIN orders o ON o.user_id = u.id"
COUNT = "with recursive n(i) as (select 1 union all select i + 1 from n {}) "


def said(text: str) -> dict:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize(
    ("text", "strict", "lenient"),
    [
        ('{"a": 1}', True, True),
        ('```json\n{"a": 1}\n```', False, True),
        ('Here you are:\n```\n{"a": 1}\n```\nAnything else?', False, True),
        ('The answer is {"a": [1, 2]}.', False, True),
        ("[1, 2]", True, True),
        ('{"a": 1', False, False),
        ("no JSON at all", False, False),
        ("", False, False),
        ("[" * 100_000, False, False),
    ],
)
def test_json_is_read_as_strictly_as_the_caller_reads_it(text, strict, lenient) -> None:
    assert Checks(json=True).holds(said(text)) is strict
    assert Checks(json="lenient").holds(said(text)) is lenient


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("42", True), (" -3.5\n", True), ("1,234,567.89", True), ("$12.50", True), ("12 %", True),
        ("6.02e23", True), (".5", True), ("", False), ("about 42", False), ("42 apples", False),
        ("1,23", False), ("-", False), ("4 2", False),
    ],
)  # fmt: skip
def test_one_number_and_nothing_else(text, is_one) -> None:
    assert is_number(text) is is_one
    assert Checks(number=True).holds(said(text)) is is_one


@pytest.mark.parametrize(
    ("text", "is_python"),
    [
        ("def f(x):\n    return x + 1\n", True),
        ("Sure:\n```python\nprint('hi')\n```\nThat prints.", True),
        ("def f(x)\n    return x", False),
        ("Here is your program", False),
        ("(" * 5000, False),
        ("x = 1\x00", False),
    ],
)
def test_python_compiles_and_is_not_run(text, is_python) -> None:
    assert compiles(text) is is_python
    assert compiles("import os; os.abort()")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("select name from users where id = 1", True),
        (f"```sql\nSELECT u.name, sum(o.usd) {JOINED} GROUP BY 1;\n```", True),
        (COUNT.format("where i < 9") + "select * from n", True),
        ("select nam from users", False),
        ("select * from customers", False),
        ("selec name from users", False),
        ("drop table users", False),
        ("delete from users", False),
        ("attach database '/tmp/x.db' as x", False),
        ("select load_extension('x')", False),
        ("pragma database_list", False),
        ("select 1; select 2", False),
        (COUNT.format("") + "select count(*) from n", False),
        ("", False),
    ],
)  # fmt: skip
def test_sql_runs_on_a_sample_of_the_tables_and_does_nothing_else(text, holds) -> None:
    assert runs(text, TABLES) is holds


@pytest.mark.parametrize(
    "query",
    [
        "select zeroblob(900000000)",
        "select replace(hex(zeroblob(200000000)), '0', 'ab')",
        "with recursive c(x) as (select 1 union all select x + 1 from c limit 90) "
        "select hex(zeroblob(900)) from c, c as d, c as e order by 1",
        f"select '{'a' * 1500}' like '{'%a' * 200}b'",
    ],
)
def test_sql_takes_neither_much_memory_nor_much_time_in_a_step(query: str) -> None:
    """The first alone would take 900 MB."""
    assert not runs(query, TABLES)


def test_without_tables_a_query_has_only_to_parse() -> None:
    assert runs("select a, b from whatever where c > 3", "")
    assert not runs("select from where", "")


@pytest.mark.parametrize(
    ("text", "is_loop"),
    [
        ("I will now do that. " * 30, True),
        ("The list: " + "and then the next one\n" * 5, True),
        ("ha " * 4, False),
        ("a, b, c, d, e, f, g and so on, each said once.", False),
        ("row one\nrow two\nrow three\nrow four\nrow five", False),
        ("x" * 50_000, True),
    ],
)
def test_a_model_that_has_lost_the_thread_repeats_itself(text, is_loop) -> None:
    assert loops(text) is is_loop
    assert Checks(no_loop=True).holds(said(text)) is not is_loop


def test_lengths_are_of_the_text() -> None:
    checks = Checks(least_chars=3, most_chars=5)
    assert [checks.holds(said("x" * n)) for n in (2, 3, 5, 6)] == [False, True, True, False]


def test_all_that_are_set_must_hold_and_a_mere_call_has_no_text_to_look_at() -> None:
    checks = Checks(json="lenient", no_loop=True, pattern=re.compile("a"))
    assert checks.holds(said('{"a": 1}'))
    assert not checks.holds(said('{"b": 1}'))
    call = {"content": None, "tool_calls": [{"function": {"arguments": "{}"}}]}
    assert Checks(number=True, python=True, sql="").holds(call)


def test_tables_that_cannot_be_made_are_told_when_the_file_is_read() -> None:
    text = '[routes.auto]\ncandidates = ["a/b"]\n[routes.auto.check]\nsql = "create tabel x"\n'
    with pytest.raises(ConfigError, match="tables of SQL checks cannot be made"):
        parse(text, {}, source="windsock.toml")
