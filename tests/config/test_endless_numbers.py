"""A number that is none, has no end, or cannot be worked with, is refused in one sentence."""

from pathlib import Path

import pytest

from windsock.config.file import parse
from windsock.errors import ConfigError
from windsock.feeds.definition import load_feed
from windsock.resources import folders

FEEDS = folders("pricefeeds", "feed.toml")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("guard.stale_s = nan", "guard.stale_s: input should be a finite number"),
        ("server.max_body_mb = inf", "server.max_body_mb: input should be a finite number"),
        ("server.max_upload_mb = 1e308", "server.max_upload_mb: input should be less than"),
        (
            "[server]\nmax_inflight_mb = 9",
            "a body of max_upload_mb = 32 would never be taken; raise",
        ),
        ('store.flush = "99999999d"', "is longer than a hundred years; write a shorter one"),
        ("learning.evidence_cap = inf", "learning.evidence_cap: input should be a finite number"),
        ("guard.list_usd_per_mtok = [50, 0.1]", "goes from the lesser to the greater"),
        ('deployments."a/b".price = {input = 1, mode = "x"}', "price.mode: input should be 'chat'"),
        (
            'routes.auto = {candidates = ["a/b"], explore = 1}',
            "explore: input should be less than 1",
        ),
        ("store.flush = 0", "store.flush: input should be greater than or equal to 0.01"),
        ("learning.half_life = 0", "learning.half_life: input should be greater than 0"),
        ("guard.fall_polls = -3", "guard.fall_polls: is no threshold; write 0 or more"),
        ("guard.fx_ratios = [9, 2]", "guard.fx_ratios: goes from the lesser to the greater"),
        ('deployments."a/b".price.input = 1e308', "deployments.a/b.price.input: is no price"),
        ('deployments."a/b".price.input = 1e-300', "deployments.a/b.price.input: is no price"),
        (
            'deployments."a/b".price = {input = 1, output = 2, valid_from = 1e18}',
            "lies beyond the years 1 to 9999; write a moment within",
        ),
    ],
)
def test_it_is_refused_by_its_line(line: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(line + "\n", {}, source="windsock.toml")
    assert str(refused.value).startswith("windsock.toml:1: ")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_so_it_is_in_a_feed_of_ones_own(tmp_path: Path) -> None:
    stated = (FEEDS["openrouter"] / "feed.toml").read_text()
    (tmp_path / "feed.toml").write_text("max_mb = inf\n" + stated)
    with pytest.raises(ConfigError, match=r"max_mb: input should be a finite number"):
        load_feed(tmp_path)
