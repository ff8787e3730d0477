"""Queries and bodies of inspection that ask for what cannot be, in the format of who asks."""

import json
from typing import Any

import pytest

from tests.attacks.form import SHARED, attack, row
from tests.attacks.world import CHAT, World, ask, error_of

pytestmark = SHARED

LONG = "s" * 9000

QUERIES = {
    "a report by nothing": "/v1/report?by=,",
    "a report by an unknown column": "/v1/report?by=task;drop%20table",
    "a report since nan": "/v1/report?since=nan",
    "a report since 10^400": "/v1/report?since=1e400",
    "decisions since -inf": "/v1/decisions?since=-inf&until=inf",
    "decisions in milliseconds": "/v1/decisions?since=1790000000000",
    "-1 decisions": "/v1/decisions?limit=-1",
    "a number of decisions of 5,000 digits": f"/v1/decisions?limit={'9' * 5000}",
    "weights at nan": "/v1/weights?at=nan",
    "weights of a task of 9 kB": f"/v1/weights?task={LONG}",
    "weights of a route of 9 kB": f"/v1/weights?route={LONG}",
    "prices of a deployment of 9 kB": f"/v1/prices?deployment={LONG}",
    "a price history of a NUL": "/v1/prices/history?deployment=%00",
    "a price history since nan": "/v1/prices/history?deployment=acme/m&since=nan",
    "a model of 9 kB": f"/v1/models/{LONG}",
    "a decision of 9 kB": f"/v1/decisions/{LONG}",
    "events of a kind of 9 kB": f"/v1/events?kind={LONG}",
    "events of a deployment of 9 kB": f"/v1/events?deployment={LONG}",
    "the dashboard's history of a task of 9 kB": f"/ui/api/history?task={LONG}",
    "requests of a status that is none": "/v1/requests?status=odd",
    "a file of the dashboard that is none": "/ui/static/..%2f..%2fapp.py",
    "a file of the dashboard with a NUL": "/ui/static/%00",
}


@pytest.mark.parametrize("query", [row(name, "400 or 404", each) for name, each in QUERIES.items()])
async def test_no_question(world: World, query: str) -> None:
    answer = await world.http.get(query)
    assert answer.status_code in (400, 404)
    assert error_of(answer)
    assert len(answer.content) < 1000


BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "imagined prices below 0": ("/v1/whatif", {"prices": {"acme/m": {"input": -1}}}),
    "imagined prices of 10^300": ("/v1/whatif", {"prices": {"acme/m": {"input": 1e300}}}),
    "imagined prices of an unknown meter": ("/v1/whatif", {"prices": {"acme/m": {"x": 1}}}),
    "imagined prices as a list": ("/v1/whatif", {"prices": [1]}),
    "an imagined quality floor of 2": ("/v1/whatif", {"quality_floor": 2}),
    "10,000 imagined prices": ("/v1/whatif", {"prices": {f"a/{n}": {} for n in range(10_000)}}),
    "a lesson of an unknown field": ("/v1/learn", {"route": "auto", "results": [{"x": 1}]}),
    "a lesson of nothing": ("/v1/learn", {"route": "auto", "results": []}),
    "a lesson with a task of 9 kB": (
        "/v1/learn",
        {"route": "auto", "results": [
            {"task": LONG, "deployment": "acme/m", "success": 1, "count": 1}
        ]},
    ),
    "a lesson with a success of 2": (
        "/v1/learn",
        {"route": "auto", "results": [
            {"task": "t", "deployment": "acme/m", "success": 2, "count": 1}
        ]},
    ),
    "a ruling on a feed of 9 kB": (
        "/v1/prices/quarantine/approve", {"deployment": "acme/m", "feed": LONG}
    ),
    "an alarm of nobody taken back": (
        "/v1/alarms/undo", {"route": "auto", "deployment": "nobody"}
    ),
    "feedback with a decision of 9 kB": ("/v1/feedback", {"decision_id": LONG, "value": 1}),
    "feedback with a value of 2": ("/v1/feedback", {"decision_id": "d", "value": 2}),
    "feedback with a metric of 9 kB": (
        "/v1/feedback", {"decision_id": "d", "value": 1, "metric": LONG}
    ),
    "feedback with half a character": ("/v1/feedback", {"decision_id": "\ud800", "value": 1}),
    "feedback without a decision": ("/v1/feedback", {"value": 1}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body"), [row(name, "400 or 404", *each) for name, each in BODIES.items()]
)
async def test_no_body(world: World, path: str, body: dict[str, Any]) -> None:
    answer = await world.http.post(path, content=json.dumps(body))
    assert answer.status_code in (400, 404), answer.text
    assert error_of(answer)
    assert len(answer.content) < 1000


@attack("a report by the same column twice", "the column counts once")
async def test_by_twice(world: World) -> None:
    answer = await world.http.get("/v1/report?by=key,key")
    assert (answer.status_code, answer.json()["by"]) == (200, ["key"])


ANTHROPIC = {"anthropic-version": "2023-06-01"}
REFUSED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an unknown path": ("GET", "/v1/nowhere", {}),
    "a method that a path of inspection has not": ("DELETE", "/v1/weights", {}),
    "a method that a path of the data plane has not": ("GET", "/v1/messages", {}),
    "a query out of range": ("GET", "/v1/report?since=nan", {}),
    "a model that is none": ("GET", "/v1/models/nobody", {}),
    "a body that is no JSON": ("POST", "/v1/messages", {"content": b"{"}),
    "a body of inspection that is no JSON": ("POST", "/v1/whatif", {"content": b"{"}),
    "an unknown coding of the body": (
        "POST", "/v1/messages", {"content": b"{}", "headers": {"content-encoding": "br"}}
    ),
    "a body that is not gzip": (
        "POST", "/v1/messages", {"content": b"{}", "headers": {"content-encoding": "gzip"}}
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [row(f"{name}, asked by Anthropic's client", "refused in its format", *each)
     for name, each in REFUSED.items()],
)  # fmt: skip
async def test_the_callers_format(
    world: World, method: str, path: str, more: dict[str, Any]
) -> None:
    headers = {**ANTHROPIC, **more.get("headers", {})}
    answer = await world.http.request(method, path, **{**more, "headers": headers})
    assert 400 <= answer.status_code < 500
    told = answer.json()
    assert told["type"] == "error"
    assert told["error"].keys() == {"type", "message"}


@attack("a wrong key, asked by Anthropic's client", "401 in its format")
async def test_a_wrong_key(world: World) -> None:
    headers = {**ANTHROPIC, "authorization": "Bearer sk-ws-no"}
    for path in ("/v1/messages", "/v1/whatif", "/v1/learn"):
        answer = await world.http.post(path, json=ask(), headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (401, "error")


@attack("a key without the scope", "403")
async def test_a_scope_that_is_lacked(world: World) -> None:
    for path in ("/v1/weights", "/v1/report", "/v1/decisions", "/v1/events", "/v1/alarms"):
        answer = await world.http.get(path, headers=world.infer)
        assert answer.status_code == 403
        assert error_of(answer)["code"] == "insufficient_scope"
    assert (await world.http.post(CHAT, json=ask(), headers=world.infer)).status_code == 200
