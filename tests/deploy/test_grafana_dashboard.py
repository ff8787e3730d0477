"""The Grafana dashboard asks for what a service really tells. `make grafana` asks Prometheus."""

import re
from itertools import pairwise

from tests.deploy.dashboard import DASHBOARD, asked, panels
from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream

HOOKED = """
[caps.all]
usd = 5
[cache]
enabled = true
[[webhooks]]
url = "http://127.0.0.1:9/hook"
secret = "0123456789"
events = ["cap."]
"""
WITHOUT_SAMPLES = {"windsock_cap_refused"}
"""Counted only once it happens."""


async def test_every_metric_and_label_of_the_panels_is_on_the_page(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0)) + HOOKED
        async with running(config, tmp_path) as it:
            body = {"model": "auto", "messages": [{"role": "user", "content": "x"}]}
            (await it.http.post("/v1/chat/completions", json=body)).raise_for_status()
            page = (await it.http.get("/metrics")).text
    labels: dict[str, set[str]] = {}
    for name, inner in re.findall(r"^(windsock_\w+)(?:{(.*)})? \S+$", page, re.M):
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', inner))
    for title, expression in asked():
        by = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expression))))
        for name, inner in re.findall(r"(windsock_\w+)(?:{([^}]*)})?", expression):
            if name.removesuffix("_total") in WITHOUT_SAMPLES:
                assert f"# TYPE {name} counter" in page, (title, name)
                continue
            assert name in labels, (title, name)
            assert {*re.findall(r'(\w+)=~?"', inner), *by} <= labels[name], (title, name)


def test_the_dashboard_can_be_laid_out() -> None:
    every = DASHBOARD["panels"]
    assert len({panel["id"] for panel in every}) == len(every) >= 25
    assert len({panel["title"] for panel in panels()}) >= 22
    places = [panel["gridPos"] for panel in every]
    for place in places:
        assert place["x"] >= 0 and place["x"] + place["w"] <= 24
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"])
             for y in range(p["y"], p["y"] + p["h"])]  # fmt: skip
    assert len(set(cells)) == len(cells), "two panels lie on each other"
    assert all(one["y"] <= other["y"] for one, other in pairwise(places))


def test_every_question_is_put_to_the_chosen_prometheus() -> None:
    names = {each["name"] for each in DASHBOARD["templating"]["list"]}
    assert names == {"datasource", "route", "deployment"}
    for panel in panels():
        for each in (panel, *panel["targets"]):
            assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert not any("$" in expression for _, expression in asked())
