"""GET /v1/frontier and `windsock frontier`: cost against success at each wish."""

import json
from typing import Any

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.cli.foresight.frontier import frontier_lines, show_frontier
from windsock.cli.foresight.plot import Mark, plot
from windsock.core.model.requests import Cell

ASK = {"model": "auto", "metadata": {"task": "sql"}, "messages": [{"role": "user", "content": "x"}]}
AIM = 'objective = "quality"\nquality = "high"\nincumbent = "bolt/m"\n'


class Asked:
    """A service, as the command line asks one."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, []

    def ask(self, path: str, *, method: str = "GET", **asked: Any) -> Any:
        self.asked.append((method, path, asked))
        return self.answer


async def test_it_tells_each_wish_over_the_route_and_by_task(tmp_path, capsys) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 9.0)) + AIM
        async with running(config, tmp_path) as it:
            await it.http.post("/v1/chat/completions", json=ASK)
            for name, right in (("acme/m", 140.0), ("bolt/m", 190.0)):
                cell, now = Cell("default", "auto", "sql"), it.service.clock.now()
                it.service.router.learn_sums(cell, name, 200.0, right, right, now)
            answer = (await it.http.get("/v1/frontier", params={"route": "auto"})).json()
            unknown = await it.http.get("/v1/frontier", params={"route": "aut"})
            none = await it.http.get("/v1/frontier", params={"route": "auto", "task": "new"})
    (found,) = answer["data"]
    assert (found["route"], found["incumbent"], found["tasks"]) == ("auto", "bolt/m", 1)
    assert [task["task"] for task in found["by_task"]] == ["sql"]
    points = {(each["kind"], each["name"]): each for each in found["over_route"]}
    assert {("today", "today"), ("quality", "max"), ("deployment", "bolt/m")} <= points.keys()
    low, high = points["deployment", "bolt/m"]["success_interval"]
    assert low < 0.95 < high
    assert points["quality", "economy"]["usd_per_request"] > 0
    assert unknown.status_code == 404
    assert "auto" in unknown.json()["error"]["message"]
    assert none.json()["data"][0]["by_task"][0]["task"] == "new"
    text = "\n".join(frontier_lines(found, width=80))
    assert max(map(len, text.splitlines())) <= 80
    for words in ("a acme/m", "b bolt/m", "the incumbent", "H quality = high", "$ per 1,000"):
        assert words in " ".join(text.split())
    capsys.readouterr()
    service = Asked(answer)
    show_frontier(service, "auto", task="sql", as_json=True)
    assert json.loads(capsys.readouterr().out) == answer
    params = {"route": "auto", "task": "sql"}
    assert service.asked == [("GET", "/v1/frontier", {"params": params})]


async def test_without_a_judged_answer_it_says_that_success_is_a_guess(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 9.0))
        async with running(config, tmp_path) as it:
            (found,) = (await it.http.get("/v1/frontier")).json()["data"]
    text = " ".join("\n".join(frontier_lines(found, width=80)).split())
    assert "nobody has judged an answer yet" in text


def test_a_route_that_nobody_can_serve_is_told_in_a_line() -> None:
    found = {"route": "auto", "over_route": [], "by_task": [], "reference": None, "tasks": 0}
    assert list(frontier_lines(found, width=80)) == ["auto: nobody can serve it"]


def test_a_plot_puts_the_cheapest_left_and_the_best_on_top() -> None:
    text = list(plot([Mark("a", 1.0, 0.5), Mark("b", 2.0, 0.9)], width=40, across="$", up="good"))
    assert text[0] == "good"
    assert text[1].rstrip().endswith("b")
    assert text[12].split("|")[1][0] == "a"
    assert text[-1].split() == ["1", "$", "2"]


@pytest.mark.parametrize("low", [0.0, 1.0])
def test_a_plot_is_logarithmic_where_prices_lie_far_apart_and_nothing_is_free(low: float) -> None:
    marks = [Mark("a", low, 0.5), Mark("b", 10.0, 0.7), Mark("c", 100.0, 0.9)]
    text = list(plot(marks, width=60, across="$", up="good"))
    assert ("logarithmic" in text[-1]) == (low > 0)


def test_points_at_one_place_are_one_letter_and_a_dot_gives_way() -> None:
    marks = [Mark(".", 1.0, 0.5), Mark("a", 1.0, 0.5), Mark("b", 1.0, 0.5)]
    text = "".join(list(plot(marks, width=40, across="$", up="good"))[1:13])
    assert ("a" in text, "b" in text, text.count(".")) == (True, False, 2)
