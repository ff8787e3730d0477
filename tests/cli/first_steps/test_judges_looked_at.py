"""The doctor says whose answers a judge may not judge, since nothing else would."""

import pytest

from windsock.cli.doctor import examine
from windsock.config.file import parse

CONFIG = """
[server]
port = 0
[feeds]
enabled = []
[health]
free_probes = false
[store]
url = "sqlite:///{store}"
[providers.one]
base_url = "http://127.0.0.1:9/v1"
price = {{ input = 1, output = 1 }}
[routes.auto]
candidates = ["one/claude-3-haiku", "one/{other}"]
[routes.auto.judge]
model = "one/claude-sonnet-4"
{stated}
"""


@pytest.mark.parametrize(
    ("other", "stated", "stands", "words"),
    [
        ("claude-opus-4", "", (False, False), "own_family = true"),
        ("gpt-5", "", (True, True), "one/claude-3-haiku"),
        ("claude-opus-4", "own_family = true", (True, False), "judged by one/claude-sonnet-4"),
    ],
    ids=["all", "some", "allowed"],
)
def test_a_judge_of_its_own_kind_is_told_of(tmp_path, other, stated, stands, words) -> None:
    text = CONFIG.format(store=tmp_path / "w.db", other=other, stated=stated)
    found = {each.subject: each for each in examine(parse(text, {}, source="windsock.toml"), {})}
    told = found["judge of auto"]
    assert (told.ok, told.is_unsure) == stands and words in told.text
