"""Whose patience ends a call: the deployment's, by the route's limits, or the caller's own."""

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.chaos import faults
from tests.chaos.provider import Call, head, provider
from tests.running import config_of, running
from tests.upstream import Answer, completion, event, stream_of, upstream

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


async def slow_body(call: Call) -> None:
    """A head at once, blanks, then the answer, as providers do whose queue is long."""
    await call.send(head(200, "content-type: application/json\r\ntransfer-encoding: chunked"))
    for _ in range(6):
        await call.part(b" ")
        await asyncio.sleep(0.1)
    await call.part(json.dumps(completion("late")).encode())
    await call.end_stream()


async def test_a_caller_in_haste_costs_the_deployment_nothing(tmp_path) -> None:
    async with provider(faults.hang) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            for place in range(6):
                answer = await it.http.post(
                    "/v1/chat/completions",
                    json={**ASK, "stream": place % 2 == 0},
                    headers={"x-windsock-timeout": "0.1"},
                )
                assert answer.status_code == 504
                assert "x-windsock-timeout" in answer.json()["error"]["message"]
            (row,) = (await it.http.get("/v1/deployments")).json()["data"]
            assert (row["state"], row["failures"]) == ("closed", 0)


@pytest.mark.parametrize(("limit", "status"), [('"5s"', 200), ('"30d"', 200), ('"400ms"', 504)])
async def test_a_plain_answer_whose_head_has_come_may_take_the_answer_timeout(
    limit, status, tmp_path
) -> None:
    async with provider(slow_body) as acme:
        config = config_of(("acme", acme.url, 1.0))
        config += f'first_byte_timeout = "200ms"\nanswer_timeout = {limit}\n'
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json=ASK)
            assert answer.status_code == status


async def endless(call: Call) -> None:
    """A whole answer, event by event, and then neither an end mark nor an end."""
    await call.send(head(200, "content-type: text/event-stream\r\ntransfer-encoding: chunked"))
    for each in stream_of(["word "] * 3, done=False):
        await call.part(each)
        await asyncio.sleep(0.01)
    await asyncio.sleep(60)


async def test_a_complete_stream_that_does_not_end_is_an_answer(tmp_path) -> None:
    async with provider(endless) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json={**ASK, "stream": True})
            assert answer.text.endswith("data: [DONE]\n\n")
            (row,) = (await it.http.get("/v1/deployments")).json()["data"]
            assert row["failures"] == 0


async def failed_within(call: Call) -> None:
    """Content and an error at once, and then no end."""
    await call.send(head(200, "content-type: text/event-stream\r\ntransfer-encoding: chunked"))
    error = event({"error": {"message": "all seats are taken"}})
    await call.part(b"".join([*stream_of(["word "])[:2], error]))
    await asyncio.sleep(60)


async def test_what_follows_an_error_in_a_stream_is_not_waited_for(tmp_path) -> None:
    async with provider(failed_within) as acme:
        config = config_of(("acme", acme.url, 1.0)) + 'stall_timeout = "900ms"\n'
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json={**ASK, "stream": True})
            assert "all seats are taken" in answer.text
            await it.service.ledger.flushed()
            decision = answer.headers["x-windsock-decision-id"]
            (call,) = (await it.http.get(f"/v1/decisions/{decision}")).json()["attempts"]
            assert call["kind"] != "timed_out"


async def remarking(call: Call) -> None:
    """A whole answer with its end mark, and then comments."""
    await call.send(head(200, "content-type: text/event-stream\r\ntransfer-encoding: chunked"))
    await call.part(b"".join(stream_of(["word "])))
    for _ in range(REMARKS):
        await call.part(b": still here\n\n")
        await asyncio.sleep(0.01)
    await call.end_stream()


REMARKS = 200


async def test_comments_after_the_end_mark_do_not_put_the_end_off(tmp_path) -> None:
    async with provider(remarking) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json={**ASK, "stream": True})
            assert answer.text.endswith("data: [DONE]\n\n")
            assert answer.text.count(": still here") < REMARKS


async def test_a_stream_may_take_long_as_long_as_it_goes_on(tmp_path) -> None:
    """Each content renews the patience, also while events go on without waking the request."""
    steady = Answer(events=stream_of(["word "] * 14), between_s=0.1)
    async with upstream(lambda _: steady) as acme:
        config = config_of(("acme", acme.url, 1.0)) + 'stall_timeout = "900ms"\n'
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json={**ASK, "stream": True})
            assert answer.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "soon"])
async def test_a_timeout_that_is_no_time_is_refused(tmp_path, text) -> None:
    async with running(config_of(("acme", "http://127.0.0.1:1", 1.0)), tmp_path) as it:
        headers = {"x-windsock-timeout": text}
        answer = await it.http.post("/v1/chat/completions", json=ASK, headers=headers)
    assert answer.status_code == 400
    assert "must be seconds" in answer.json()["error"]["message"]


class Apart(BaseHTTPRequestHandler):
    """A provider that goes on while the event loop of the test is held up."""

    is_asked = threading.Event()
    has_answered = threading.Event()

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        is_stream = json.loads(self.rfile.read(length)).get("stream")
        self.is_asked.set()
        body = b"".join(stream_of(["hello"])) if is_stream else json.dumps(completion()).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if is_stream else "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.has_answered.set()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("limit", ["first_byte_timeout", "x-windsock-timeout"])
async def test_what_came_while_the_process_was_held_up_is_not_late(
    limit, is_stream, tmp_path
) -> None:
    Apart.is_asked.clear()
    Apart.has_answered.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Apart) as acme:
        threading.Thread(target=acme.serve_forever, daemon=True).start()
        config = config_of(("acme", f"http://127.0.0.1:{acme.server_port}/v1", 1.0))
        is_own = limit == "first_byte_timeout"
        config += 'first_byte_timeout = "300ms"\n' if is_own else ""
        headers = {} if is_own else {limit: "0.3"}
        async with running(config, tmp_path) as it:
            asked = {**ASK, "stream": is_stream}
            asking = asyncio.create_task(
                it.http.post("/v1/chat/completions", json=asked, headers=headers)
            )
            while not Apart.is_asked.is_set():
                await asyncio.sleep(0)
            Apart.has_answered.wait()
            time.sleep(1.0)
            answer = await asking
            assert answer.status_code == 200
            (row,) = (await it.http.get("/v1/deployments")).json()["data"]
            assert (row["successes"], row["failures"]) == (1, 0)
        acme.shutdown()
