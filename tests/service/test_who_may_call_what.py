"""Every call of the service: which scopes open it, and what another namespace gets to see there.

The table is whole: a call without its row fails the first test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.service.auth import SCOPES, new_key
from windsock.service.connections.limits import Refusals
from windsock.store.keys import VirtualKey, add_key

OURS, OTHERS = "ours", "others"
TASK = "task-of-ours"
"""A mark of what belongs to a namespace: others never read it."""

ANYONE = ("anyone",)
INFER, FEEDBACK, READ, ADMIN = ("infer",), ("feedback",), ("read",), ("admin",)

CHAT = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
MESSAGE = {**CHAT, "max_tokens": 9}
TASKED = {"query": "a", "documents": ["b"], "input": "hi", "voice": "a", "prompt": "hi"}
GEMINI = "/v1beta/models/"
SAID = {"parts": [{"text": "hi"}]}
CONTENT = {"contents": [SAID], "content": SAID, "requests": [{"content": SAID}]}


@dataclass(frozen=True)
class Row:
    """One call.

    scopes      of which one is needed; ANYONE: no key is
    path        to ask for, with ids of ours filled in; the template where it has none
    own         what ours read there names their task, and others' does not
    hidden      others are told 404, as if it were not there
    is_of_all   it tells of the whole service, to whom its owner lets
    """

    method: str
    template: str
    scopes: tuple[str, ...]
    path: str = ""
    body: dict[str, Any] | None = None
    own: bool = False
    hidden: bool = False
    is_of_all: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"


ROWS = (
    Row("GET", "/", ANYONE),
    Row("GET", "/ui", ANYONE),
    Row("GET", "/ui/static/{name:path}", ANYONE, "/ui/static/index.html"),
    Row("GET", "/ui/api/history", READ, f"/ui/api/history?task={TASK}", own=True),
    Row("GET", "/ui/api/stream", READ, f"/ui/api/stream?task={TASK}"),
    Row("GET", "/ui/api/cells", READ, own=True),
    Row("GET", "/ui/api/session", ("read", "label")),
    Row("GET", "/healthz", ANYONE),
    Row("GET", "/readyz", ANYONE),
    Row("GET", "/health/liveliness", ANYONE),
    Row("GET", "/health", ANYONE),
    Row("GET", "/health/liveness", ANYONE),
    Row("GET", "/health/readiness", ANYONE),
    Row("GET", "/metrics", ("metrics",), is_of_all=True),
    Row("GET", "/docs", READ),
    Row("GET", "/openapi.json", READ),
    Row("GET", "/v1/models", ("read", "infer")),
    Row("GET", "/v1/models/{name:path}", ("read", "infer"), "/v1/models/auto"),
    Row("GET", "/v1beta/models", ("read", "infer")),
    Row("GET", "/v1beta/models/{name:path}", ("read", "infer"), "/v1beta/models/auto"),
    Row("GET", "/v1/deployments", READ),
    Row("GET", "/v1/deployments/history", READ),
    Row("GET", "/v1/spend", READ, own=True),
    Row("GET", "/v1/weights", READ, own=True),
    Row("GET", "/v1/weights/stream", READ),
    Row("GET", "/v1/frontier", READ, own=True),
    Row("POST", "/v1/whatif", READ, body={"prices": {}}, own=True),
    Row("GET", "/v1/prices", READ),
    Row("GET", "/v1/prices/history", READ, "/v1/prices/history?deployment=acme/m"),
    Row("GET", "/v1/prices/feed.atom", READ),
    Row("GET", "/v1/prices/statements", READ),
    Row("GET", "/v1/feeds", READ),
    Row("GET", "/v1/replicas", READ),
    Row("GET", "/v1/evidence", READ, own=True),
    Row("GET", "/v1/shadows", READ),
    Row("GET", "/v1/labels", ("read", "label"), own=True),
    Row("POST", "/v1/labels", ("label",), body={"decision_id": "DECISION", "value": 1},
        hidden=True),
    Row("GET", "/v1/keys", READ),
    Row("GET", "/v1/prices/quarantine", READ),
    Row("POST", "/v1/prices/quarantine/approve", ADMIN, body={"deployment": "a/b", "feed": "x"}),
    Row("POST", "/v1/prices/quarantine/reject", ADMIN, body={"deployment": "a/b", "feed": "x"}),
    Row("GET", "/v1/events", READ),
    Row("GET", "/v1/decisions", READ, own=True),
    Row("GET", "/v1/decisions/{decision_id}", READ, "/v1/decisions/DECISION", hidden=True),
    Row("GET", "/v1/report", READ, "/v1/report?by=task,key", own=True),
    Row("GET", "/v1/requests", READ, own=True),
    Row("GET", "/v1/routes", READ),
    Row("GET", "/v1/config", ADMIN),
    Row("GET", "/v1/caps", READ),
    Row("POST", "/v1/caps/{name:path}/raise", ADMIN, "/v1/caps/CAP/raise", body={"usd": 1}),
    Row("GET", "/v1/alarms", READ),
    Row("GET", "/v1/rehearsal", ADMIN),
    Row("POST", "/v1/alarms/undo", ADMIN, body={"route": "auto", "deployment": "acme/m"}),
    Row("POST", "/v1/alarms/silence", ADMIN, body={"key": "none of ours"}),
    Row("POST", "/v1/learn", ADMIN, body={"route": "auto", "results": [
        {"task": TASK, "deployment": "acme/m", "success": 0.5, "count": 9}]}),
    Row("DELETE", "/v1/learn/{lesson}", ADMIN, "/v1/learn/LESSON", hidden=True),
    Row("POST", "/v1/feedback", FEEDBACK, body={"decision_id": "DECISION", "value": 1},
        hidden=True),
    *(
        Row("POST", path, FEEDBACK, body={})
        for path in ("/v1/feedback/otel", "/v1/feedback/langfuse", "/v1/feedback/langsmith",
                     "/v1/feedback/rows", "/v1/logs", "/v1/traces")
    ),
    Row("POST", "/v1/chat/completions", INFER, body=CHAT),
    Row("POST", "/chat/completions", INFER, body=CHAT),
    Row("POST", "/v1/messages", INFER, body=MESSAGE),
    Row("POST", "/v1/messages/count_tokens", INFER, body=MESSAGE),
    Row("POST", "/v1/responses", INFER, body={"model": "auto", "input": "hi"}),
    Row("POST", "/v1/responses/input_tokens", INFER, body={"model": "auto", "input": "hi"}),
    *(
        Row(method, f"/v1/responses/{{name}}{tail}", INFER, f"/v1/responses/resp_1{tail}")
        for method, tail in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"),
                             ("GET", "/input_items"))
    ),
    Row("POST", "/v1/completions", INFER, body={"model": "auto", "prompt": "hi"}),
    Row("POST", "/v1/embeddings", INFER, body={"model": "auto", "input": "hi"}),
    *(
        Row("POST", path, INFER, body={"model": "auto", **TASKED})
        for path in ("/v1/rerank", "/v2/rerank", "/v1/moderations", "/v1/audio/speech",
                     "/v1/audio/transcriptions", "/v1/audio/translations",
                     "/v1/images/generations", "/v1/images/edits")
    ),
    Row("POST", "/v1/route", INFER, body=CHAT),
    *(
        Row("POST", f"{GEMINI}{{model}}:{call}", INFER, f"{GEMINI}auto:{call}", body=CONTENT)
        for call in ("generateContent", "streamGenerateContent", "countTokens", "embedContent",
                     "batchEmbedContents")
    ),
)  # fmt: skip

SETTINGS = '[server]\nkeys = "required"\nmetrics = "key"\ndocs = "key"\n'


@dataclass
class Watched:
    """A service with a key of every scope in two namespaces, and something that is ours."""

    it: Running
    keys: dict[tuple[str, str], str]
    names: dict[str, str]

    async def ask(self, row: Row, scope: str | None, namespace: str = OURS) -> httpx.Response:
        """The answer to a key, or to none; of a stream its head and first lines."""
        self.it.service.app._refusals = Refusals()  # so that nobody waits for being refused often
        headers = {} if scope is None else {"x-api-key": self.keys[namespace, scope]}
        path, body = self._filled(row.path or row.template), row.body
        if body is not None and "decision_id" in body:
            body = {**body, "decision_id": self.names["DECISION"]}
        async with self.it.http.stream(row.method, path, headers=headers, json=body) as answer:
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                await answer.aread()
            return answer

    def _filled(self, path: str) -> str:
        for name, value in self.names.items():
            path = path.replace(name, value)
        return path


@asynccontextmanager
async def watched(tmp_path: Path, settings: str = SETTINGS) -> AsyncIterator[Watched]:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0)) + settings
        async with running(config, tmp_path) as it:
            keys = {}
            for namespace in (OURS, OTHERS):
                for scope in SCOPES:
                    secret, public, digest = new_key()
                    key = VirtualKey(id=public, name=scope, sha256=digest, namespace=namespace,
                                     scopes=(scope,), created_at=0.0)  # fmt: skip
                    add_key(it.service.engine, key)
                    keys[namespace, scope] = secret
            await it.service.housekeeping.read_keys()
            yield Watched(it, keys, {})


async def make_ours(found: Watched) -> None:
    """A decision with its reward, and a lesson, under a task that only we have."""
    headers = {"x-api-key": found.keys[OURS, "admin"], "x-windsock-task": TASK}
    answer = await found.it.http.post("/v1/chat/completions", json=CHAT, headers=headers)
    lesson = next(row for row in ROWS if row.name == "POST /v1/learn").body
    taught = await found.it.http.post("/v1/learn", json=lesson, headers=headers)
    await found.it.service.ledger.flushed()
    found.names["DECISION"] = answer.headers["x-windsock-decision-id"]
    found.names["LESSON"] = str(taught.json()["lesson"])


def served(app: Any) -> Iterator[str]:
    """Every method and path that the application behind the data plane answers."""
    for route in app.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from served(inner)
        else:
            yield from (f"{method} {route.path}" for method in route.methods)


async def test_every_call_has_its_row(tmp_path) -> None:
    async with watched(tmp_path) as found:
        plane = found.it.service.app
        calls = {*served(plane._app), *(f"POST {path}" for path in plane.paths)}
    assert calls - {row.name for row in ROWS} == set(), "say here who may call them"
    assert {row.name for row in ROWS} - calls == set(), "there are no such calls"


async def test_a_key_opens_what_its_scope_opens_and_nothing_else(tmp_path) -> None:
    async with watched(tmp_path) as found:
        await make_ours(found)
        for row in ROWS:
            nobody = await found.ask(row, None)
            assert (nobody.status_code == 401) == (row.scopes != ANYONE), row.name
            assert row.scopes == ANYONE or "Bearer KEY" in nobody.text
            for scope in SCOPES:
                is_open = row.scopes == ANYONE or scope == "admin" or scope in row.scopes
                answer = await found.ask(row, scope)
                assert (answer.status_code not in (401, 403)) == is_open, (row.name, scope)
                assert answer.status_code != 500, (row.name, scope)


async def test_what_is_ours_others_never_read(tmp_path) -> None:
    """Rows that hide something come first with another's key, so that nothing was done by then."""
    async with watched(tmp_path) as found:
        await make_ours(found)
        found.it.service.dashboard.sample()
        for row in ROWS:
            if row.scopes == ANYONE or row.template.endswith("/stream"):
                continue
            theirs = await found.ask(row, "admin", OTHERS)
            ours = await found.ask(row, "admin")
            is_asked_for = TASK in f"{row.path}{row.body}"
            assert is_asked_for or row.is_of_all or TASK not in theirs.text, row.name
            if row.own:
                assert TASK in ours.text, row.name
            if row.hidden:
                assert (theirs.status_code, ours.status_code) == (404, 200), row.name


@pytest.mark.parametrize(
    ("choice", "nobody", "allowed"), [("open", 200, 200), ("key", 401, 200), ("off", 404, 404)]
)
async def test_metrics_and_docs_are_seen_by_whom_the_owner_says(
    choice, nobody, allowed, tmp_path
) -> None:
    settings = f'[server]\nkeys = "required"\nmetrics = "{choice}"\ndocs = "{choice}"\n'
    async with watched(tmp_path, settings) as found:
        for row in ROWS:
            if row.template in ("/metrics", "/docs", "/openapi.json"):
                assert (await found.ask(row, None)).status_code == nobody, row.name
                assert (await found.ask(row, row.scopes[0])).status_code == allowed, row.name


@pytest.mark.parametrize("path", ["/redoc", "/docs/oauth2-redirect", "/openapi.yaml"])
async def test_no_other_page_tells_what_docs_are_kept_from(path, tmp_path) -> None:
    async with watched(tmp_path) as found:
        assert (await found.it.http.get(path)).status_code == 404
