"""Answers that people label over HTTP: which are wanted, what they say, what each label bought."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.cli.keys.key_book import KeyBook
from windsock.service.texts.held import HoldingRules

ASK = {"model": "auto", "messages": [{"role": "user", "content": "which way is up?"}]}
ON = "[labels]\ntexts = true\n"
KEYS = '[server]\nkeys = "required"\nadmin_token = "${TOKEN}"\n'
TOKEN = "admin-" + "t" * 32
CHECKED = '[routes.auto.check]\npattern = "up"\n'


@asynccontextmanager
async def served(tmp_path, settings: str = ON) -> AsyncIterator[Running]:
    async with upstream(lambda _: Answer(completion("that way"))) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 3.0)) + settings
        async with running(config, tmp_path, TOKEN=TOKEN) as it:
            yield it


async def ask(it: Running, task: str = "chat", **headers: str) -> str:
    body = {**ASK, "metadata": {"task": task}}
    answer = await it.http.post("/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.headers["x-windsock-decision-id"])


async def labels(it: Running, **params: object) -> dict:
    await it.service.ledger.flushed()
    answer = await it.http.get("/v1/labels", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def say(it: Running, name: str, value: object) -> httpx.Response:
    return await it.http.post("/v1/labels", json={"decision_id": name, "value": value})


async def test_a_label_takes_its_answer_off_the_list_and_tells_what_it_bought(tmp_path) -> None:
    async with served(tmp_path) as it:
        names = [await ask(it) for _ in range(6)]
        wanted = await labels(it)
        assert sorted(each["decision_id"] for each in wanted["data"]) == sorted(names)
        assert wanted["note"] is None and wanted["texts_held"] == 6
        first = wanted["data"][0]
        assert first["prompt"] == [{"role": "user", "text": "which way is up?"}]
        assert first["answer"] == "that way"
        (choice,) = wanted["choices"]
        assert (choice["requests_per_day"], choice["labels"]) == (6, 0)
        assert 0 < choice["certainty"] < 1 and choice["loss_usd"] > 0

        said = (await say(it, first["decision_id"], True)).json()
        assert said["deployment"] == first["deployment"] and not said["is_duplicate"]
        assert said["after"]["success_mean"] > said["before"]["success_mean"]
        was, remains = (said[when]["success_interval"] for when in ("before", "after"))
        assert said["narrowed"] == pytest.approx((was[1] - was[0]) - (remains[1] - remains[0]))
        losses = [said[when]["choice"]["loss_usd_per_day"] for when in ("before", "after")]
        assert said["bought_usd_per_day"] == pytest.approx(losses[0] - losses[1])
        left = await labels(it)
        assert first["decision_id"] not in [each["decision_id"] for each in left["data"]]
        assert left["choices"][0]["labels"] == 1
        kept = (await it.http.get(f"/v1/decisions/{first['decision_id']}")).json()["feedback"]
        assert [(each["value"], each["source"]) for each in kept] == [(1.0, "explicit")]


async def test_a_second_word_corrects_the_first(tmp_path) -> None:
    async with served(tmp_path) as it:
        name = await ask(it)
        before = (await say(it, name, False)).json()["before"]
        again = (await say(it, name, 0)).json()
        other = (await say(it, name, 0.75)).json()
        assert again["is_duplicate"] and again["bought_usd_per_day"] == 0
        assert other["after"]["success_mean"] > other["before"]["success_mean"]
        assert other["after"]["effective_samples"] == pytest.approx(
            before["effective_samples"] + 1, abs=0.1
        )


async def test_what_only_a_check_has_judged_is_still_wanted(tmp_path) -> None:
    async with served(tmp_path, CHECKED + ON) as it:
        name = await ask(it)
        assert [each["decision_id"] for each in (await labels(it))["data"]] == [name]
        await it.service.ledger.flushed()
        lines = (await it.http.get("/v1/decisions?label=wanted")).text.splitlines()
        assert len(lines) == 1 and name in lines[0]
        await it.http.post("/v1/feedback", json={"decision_id": name, "value": 1, "source": "nps"})
        assert [each["decision_id"] for each in (await labels(it))["data"]] == [name]
        await it.http.post("/v1/feedback", json={"decision_id": name, "value": 1})
        assert (await labels(it))["data"] == []


async def test_what_a_source_that_the_route_trusts_has_judged_is_labelled(tmp_path) -> None:
    async with served(tmp_path, "[routes.auto.source_weights]\nowner = 1.0\n" + ON) as it:
        name = await ask(it)
        said = {"decision_id": name, "value": 1, "source": "owner"}
        await it.http.post("/v1/feedback", json=said)
        assert (await labels(it))["data"] == []


async def test_without_texts_it_says_what_is_known_and_how_to_allow_them(tmp_path) -> None:
    async with served(tmp_path, "") as it:
        name = await ask(it)
        wanted = await labels(it)
        (one,) = wanted["data"]
        assert (one["decision_id"], one["prompt"], one["answer"]) == (name, None, None)
        assert one["cost_usd"] > 0 and wanted["texts_held"] == 0
        assert "texts = true under [labels]" in wanted["note"]
        assert (await say(it, name, True)).status_code == 200


async def test_only_the_scope_label_reads_texts_and_private_ones_nobody_reads(tmp_path) -> None:
    async with served(tmp_path, ON + KEYS) as it:
        book = KeyBook(it.service.settings, it.service.clock)
        made = {scope: book.create(scope, scopes=[scope]).secret for scope in ("read", "label")}
        hidden = book.create("hidden", scopes=["infer"], is_private=True).secret
        await it.service.housekeeping.read_keys()
        await ask(it, authorization=f"Bearer {TOKEN}")
        await ask(it, authorization=f"Bearer {hidden}")
        it.http.headers["authorization"] = f"Bearer {made['read']}"
        read = await labels(it)
        assert "scope 'label'" in read["note"]
        assert {(each["prompt"], each["answer"]) for each in read["data"]} == {(None, None)}
        assert (await say(it, read["data"][0]["decision_id"], True)).status_code == 403
        it.http.headers["authorization"] = f"Bearer {made['label']}"
        found = await labels(it)
        assert [each["answer"] for each in found["data"]] == ["that way"]
        assert (await say(it, found["data"][0]["decision_id"], True)).status_code == 200


async def test_an_edit_that_forbids_texts_lets_go_of_them_at_once(tmp_path) -> None:
    async with served(tmp_path) as it:
        await ask(it)
        it.service.texts.adopt(HoldingRules())
        wanted = await labels(it)
        assert wanted["data"][0]["answer"] is None and "texts = true" in wanted["note"]


async def test_what_was_asked_for_is_shown_though_only_other_texts_are_held(tmp_path) -> None:
    async with served(tmp_path) as it:
        first = await ask(it, "sql")
        it.service.texts.adopt(HoldingRules())
        it.service.texts.adopt(HoldingRules(is_on=True))
        second = await ask(it, "ner")
        held, other = await labels(it), await labels(it, task="sql")
        assert [each["decision_id"] for each in held["data"]] == [second]
        assert [(each["decision_id"], each["answer"]) for each in other["data"]] == [(first, None)]
        assert other["texts_held"] == 0 and "no text is held" in other["note"]
        assert (await labels(it, since=it.service.clock.now() + 60))["data"] == []


async def test_an_odd_or_a_long_message_is_shown_as_far_as_it_goes(tmp_path) -> None:
    odd = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": "f"}]}
    long = {"role": "user", "content": "x" * 50_000}
    async with served(tmp_path) as it:
        body = {**ASK, "messages": [odd, long]}
        assert (await it.http.post("/v1/chat/completions", json=body)).status_code == 200
        (one,) = (await labels(it))["data"]
        assert one["prompt"][1]["text"].endswith("x\n… 10,000 characters more")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"decision_id": "nobody", "value": True}, "no decision 'nobody'"),
        ({"decision_id": "x" * 4000, "value": True}, "decision_id"),
        ({"decision_id": "x", "value": 1.01}, "value"),
        ({"decision_id": "x", "value": "good"}, "value"),
        ({"value": 1}, "decision_id"),
        ({"decision_id": "x", "value": 1, "who": "me"}, "who"),
    ],
)
async def test_what_is_no_label_is_told_in_a_sentence(tmp_path, body: dict, words: str) -> None:
    async with served(tmp_path) as it:
        answer = await it.http.post("/v1/labels", json=body)
        assert answer.status_code in (400, 404)
        assert words in answer.json()["error"]["message"]


async def test_tasks_and_routes_are_told_apart_and_probes_are_nobodys_to_label(tmp_path) -> None:
    async with served(tmp_path) as it:
        await asyncio.gather(*(ask(it, task) for task in ("sql", "sql", "ner", "windsock-probe")))
        await ask(it, **{"x-windsock-private": "true"})
        found = await labels(it, task="sql", limit=1)
        assert [each["task"] for each in found["data"]] == ["sql"]
        assert [each["task"] for each in found["choices"]] == ["sql"]
        assert {each["task"] for each in (await labels(it))["data"]} == {"sql", "ner"}
        assert (await labels(it, task="none"))["data"] == []
        odd = await it.http.get("/v1/labels?route=nowhere")
        assert odd.status_code == 404 and "nowhere" in odd.json()["error"]["message"]
