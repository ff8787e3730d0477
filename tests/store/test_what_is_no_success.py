"""Habits and parts of a check are kept, and are no success in reports."""

from pathlib import Path

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream


async def test_reports_count_labels_and_scores_of_success_alone(tmp_path: Path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            asked = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
            answer = await it.http.post("/v1/chat/completions", json=asked)
            name = answer.headers["x-windsock-decision-id"]
            for source in ("use:left", "check:json", "explicit"):
                said = {"decision_id": name, "source": source, "value": float(source == "explicit")}
                assert (await it.http.post("/v1/feedback", json=said)).status_code == 200
            await it.service.ledger.flushed()
            told = (await it.http.get("/v1/report?by=route")).json()
            assert told["data"][0]["success_rate"] == 1.0
