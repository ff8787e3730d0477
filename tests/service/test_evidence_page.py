"""What docs/evidence.md shows of scores is what the service does."""

import asyncio
import json
import re
from pathlib import Path

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.config.file import parse

PAGE = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text()
CALL = re.compile(r"curl -s localhost:8787(/v1/(?:feedback/|logs)\S*) .*? -d '(.*)'")
TOML = re.compile(r"```toml\n(.*?)```", re.DOTALL)
NAMES = {
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "x-request-id": "order-17",
}


async def test_every_call_of_the_page_is_learnt(tmp_path: Path) -> None:
    calls = CALL.findall(PAGE)
    assert len(calls) >= 4
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            asked = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
            answer = await it.http.post("/v1/chat/completions", json=asked, headers=NAMES)
            for path, body in calls:
                told = (await it.http.post(path, json=json.loads(body))).json()
                assert not told.get("left_out"), (path, told)
                assert path == "/v1/logs" or told["learnt"], (path, told)
            known = it.service.feedbacks._open[answer.headers["x-windsock-decision-id"]].said
            assert {each.reward.value for each in known.values()} == {0.9, 1.0, 0.75}


def test_the_settings_of_the_page_are_settings() -> None:
    scores = [each for each in TOML.findall(PAGE) if each.startswith("[scores.")]
    assert scores
    for text in scores:
        parse(text, {}, source="docs/evidence.md")


BODY = re.compile(r"```json\n(\{\"model\".*?)\n```", re.DOTALL)
REPORT = re.compile(r"curl -s localhost:8787/v1/feedback -H .*? -d '(.*)'")


async def test_the_request_and_the_reports_of_the_page_are_understood(tmp_path: Path) -> None:
    program = "```python\ndef add(a, b):\n    return a + b\n```"
    more = "learn_from_use = true\n[routes.auto.check]\nunit_tests = true\n"
    async with upstream(lambda _: Answer(completion(program))) as model:
        async with running(config_of(("acme", model.url, 1.0)) + more, tmp_path) as it:
            (body,) = BODY.findall(PAGE)
            answer = await it.http.post("/v1/chat/completions", content=body)
            decision = answer.headers["x-windsock-decision-id"]
            for report in REPORT.findall(PAGE):
                told = await it.http.post(
                    "/v1/feedback", content=report.replace("DECISION", decision)
                )
                assert told.status_code == 200, told.text
            known = it.service.feedbacks._open[decision]
            while not any(each.reward.source == "check:unit_tests" for each in known.said.values()):
                await asyncio.sleep(0.05)
            said = {each.reward.source: each.reward.value for each in known.said.values()}
            assert said["check:unit_tests"] == said["use:thumbs"] == 1.0
            assert 0 <= said["use:edit"] < 0.5
