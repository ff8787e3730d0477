"""More tasks than there is room for: looks take none of it, and no task is taken for another."""

import httpx

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.service.auth import new_key
from windsock.store.keys import VirtualKey, add_key

ROOM = 40
"""Tasks that a route has room for here; 500 by itself, which take half a minute to open."""

READ, INFER = ("read",), ("infer", "feedback")


async def with_keys(it: Running, *scopes: tuple[str, ...]) -> list[dict[str, str]]:
    """Headers of new keys of one namespace."""
    made = []
    for scope in scopes:
        secret, public, digest = new_key()
        key = VirtualKey(id=public, name="t", sha256=digest, namespace="team", scopes=scope,
                         created_at=0.0)  # fmt: skip
        add_key(it.service.engine, key)
        made.append({"authorization": f"Bearer {secret}"})
    await it.service.housekeeping.read_keys()
    return made


async def sql_request(it: Running, headers: dict[str, str]) -> httpx.Response:
    asked = {"role": "user", "content": "hi"}
    body = {"model": "auto", "metadata": {"task": "sql"}, "messages": [asked]}
    return await it.http.post("/v1/chat/completions", json=body, headers=headers)


async def task_of(it: Running, answer: httpx.Response, headers: dict[str, str]) -> str:
    await it.service.ledger.flushed()
    name = answer.headers["x-windsock-decision-id"]
    return (await it.http.get(f"/v1/decisions/{name}", headers=headers)).json()["task"]


async def test_a_reader_of_many_tasks_does_not_take_the_room_of_those_who_ask(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            it.service.router.tables._max_tasks = ROOM
            reader, asker = await with_keys(it, READ, INFER)
            for number in range(ROOM + 5):
                query = {"route": "auto", "task": f"z{number}"}
                seen = await it.http.get("/v1/weights", params=query, headers=reader)
                assert seen.json()["data"][0]["task"] in (f"z{number}", "default")
            answer = await sql_request(it, asker)
            assert await task_of(it, answer, reader) == "sql"


async def test_more_tasks_than_there_is_room_for_are_never_mixed(tmp_path) -> None:
    """What finds no room takes that of the task which was asked for longest ago, and it is told."""
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 1.0))
        async with running(config, tmp_path) as it:
            it.service.router.tables._max_tasks = ROOM
            reader, asker = await with_keys(it, READ, INFER)
            for number in range(ROOM + 5):
                body = {"model": "auto", "metadata": {"task": f"z{number}"}, "messages": []}
                await it.http.post("/v1/route", json=body, headers=asker)
            answer = await sql_request(it, asker)
            assert await task_of(it, answer, reader) == "sql"
            await it.http.post("/v1/feedback", headers=asker, json={
                "decision_id": answer.headers["x-windsock-decision-id"], "value": 1})  # fmt: skip
            few = (await it.http.get("/v1/weights?limit=1", headers=reader)).json()
            assert [each["task"] for each in few["data"]] == ["sql"], "which most is known of"
            whole = (await it.http.get("/v1/weights", headers=reader)).json()
            assert (few["others"] + 1, whole["others"]) == (len(whole["data"]), 0)
            it.service.housekeeping._hand_out()
            await it.service.ledger.flushed()
            told = await it.http.get("/v1/events?kind=task.forgotten", headers=reader)
            assert told.json()["data"][0]["task"] == "z0"
