"""What other tools have scored is learnt by the service, by whatever name they know the answer."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.context import get_current
from typer.testing import CliRunner

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.cli import app
from windsock.cli.keys.key_book import KeyBook
from windsock.service.gateway.scores import taking

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
RUN = str(uuid.UUID(TRACE))
ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
SCALES = """
[scores.stars]
scale = [1, 5]

[scores.toxicity]
scale = [1, 0]

[scores.verdict]
words = { "so-so" = 0.25 }
source = "explicit"
"""


@asynccontextmanager
async def service(tmp_path: Path, config: str = "") -> AsyncIterator[Running]:
    count = iter(range(100_000))

    def answered(_: dict[str, Any]) -> Answer:
        return Answer(completion(id=f"chatcmpl-{next(count)}"))

    async with upstream(answered) as model:
        text = config_of(("acme", model.url, 1.0)) + SCALES + config
        async with running(text, tmp_path) as it:
            yield it


async def ask(it: Running, metadata: dict[str, Any] | None = None, **headers: str) -> str:
    body = {**ASK, **({"metadata": metadata} if metadata else {})}
    answer = await it.http.post("/v1/chat/completions", json=body, headers=headers)
    return answer.headers["x-windsock-decision-id"]


async def said_of(it: Running, decision: str) -> list[tuple[str, str, float]]:
    """(metric, source, value) of all that was learnt about a decision."""
    known = it.service.feedbacks._open[decision].said.values()
    return [(each.reward.metric, each.reward.source, each.reward.value) for each in known]


def evaluation(value: float, *, response_id: str | None = None, **record: Any) -> dict[str, Any]:
    attributes = [
        {"key": "gen_ai.evaluation.name", "value": {"stringValue": "Relevance"}},
        {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": value}},
    ]
    if response_id:
        attributes.append({"key": "gen_ai.response.id", "value": {"stringValue": response_id}})
    event = {"eventName": "gen_ai.evaluation.result", "attributes": attributes, **record}
    other = {"body": {"stringValue": "a line of a log"}}
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [other, event]}]}]}


async def test_every_name_an_answer_has_finds_it(tmp_path: Path) -> None:
    """Ids of the decision, of the answer, of the request, of the caller's trace, span and run."""
    at = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    inner = str(uuid.UUID(int=7))
    dotted = {"langsmith-trace": f"20261129T07Z{RUN}.20261129T070000000000Z{inner}"}
    async with service(tmp_path) as it:
        for name, named, decision in [
            ("rows", {"decision_id": None}, await ask(it)),
            ("rows", {"id": "chatcmpl-1"}, await ask(it)),
            ("rows", {"request_id": "req-1"}, await ask(it, **{"x-request-id": "req-1"})),
            ("rows", {"request_id": "c-9"}, await ask(it, **{"x-client-request-id": "c-9"})),
            ("rows", {"trace_id": "t-7"}, await ask(it, {"trace_id": "t-7"})),
            ("langfuse", {"traceId": "x", "observationId": SPAN, "name": "b"}, await ask(it, **at)),
            ("langsmith", {"run_id": inner, "key": "c"}, await ask(it, **dotted)),
        ]:
            names = {key: value or decision for key, value in named.items()}
            body = {**names, "score" if name == "langsmith" else "value": 0.5}
            told = (await it.http.post(f"/v1/feedback/{name}", json=body)).json()
            assert told["learnt"] == 1, (named, told)
            assert [value for *_, value in await said_of(it, decision)] == [0.5], named


async def test_a_trace_is_judged_by_how_it_ended(tmp_path: Path) -> None:
    async with service(tmp_path) as it:
        first, last = [
            await ask(it, **{"traceparent": f"00-{TRACE}-{span}-01"}) for span in (SPAN, "1" * 16)
        ]
        await it.http.post(
            "/v1/feedback/langfuse", json={"traceId": TRACE, "name": "q", "value": 1}
        )
        assert await said_of(it, first) == []
        assert await said_of(it, last) == [("q", "langfuse:q", 1.0)]


async def test_names_hold_after_a_restart(tmp_path: Path) -> None:
    async with service(tmp_path) as it:
        await ask(it, **{"traceparent": f"00-{TRACE}-{SPAN}-01", "x-request-id": "req-1"})
    async with service(tmp_path) as it:
        for named in ({"trace_id": RUN}, {"request_id": "req-1"}, {"id": "chatcmpl-0"}):
            answer = await it.http.post("/v1/feedback/rows", json={**named, "value": True})
            told = answer.json()
            assert told["learnt"] + told["duplicates"] == 1, (named, told)


async def test_evaluations_come_where_exporters_send_logs(tmp_path: Path) -> None:
    """OTLP's answer: {} where all is well, else how many were refused."""
    async with service(tmp_path) as it:
        decision = await ask(it)
        good = await it.http.post("/v1/logs", json=evaluation(0.75, response_id="chatcmpl-0"))
        assert (good.status_code, good.json()) == (200, {})
        assert await said_of(it, decision) == [("Relevance", "otel:Relevance", 0.75)]
        lost = await it.http.post("/v1/logs", json=evaluation(0.75, traceId="f" * 32))
        told = lost.json()["partialSuccess"]
        assert told["rejectedLogRecords"] == "1"
        assert "no answer is known to this key" in told["errorMessage"]
        binary = {"content-type": "application/x-protobuf"}
        refused = await it.http.post("/v1/logs", content=b"nonsense", headers=binary)
        assert (refused.status_code, "protobuf" in refused.text) == (400, True)


async def test_an_export_of_many_is_taken_in_and_what_is_beyond_is_told_as_partial_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service(tmp_path) as it:
        decision = await ask(it)
        export = evaluation(0.75, response_id="chatcmpl-0")
        *_, record = export["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
        export["resourceLogs"][0]["scopeLogs"][0]["logRecords"] = [record] * 2100
        many = await it.http.post("/v1/logs", json=export)
        assert (many.status_code, many.json()) == (200, {})
        assert await said_of(it, decision) == [("Relevance", "otel:Relevance", 0.75)]
        monkeypatch.setattr(taking, "MOST_EXPORTED", 2098)
        beyond = (await it.http.post("/v1/logs", json=export)).json()["partialSuccess"]
    assert beyond["rejectedLogRecords"] == "2"
    assert "number 2,099" in beyond["errorMessage"]


async def test_opentelemetrys_own_sdk_sends_evaluations(tmp_path: Path) -> None:
    """The log record of an evaluation, in the context of the span it judges, by its exporter."""
    from opentelemetry._logs import LogRecord
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    def send(url: str, context: Any) -> None:
        logs = LoggerProvider()
        logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{url}/v1/logs")))
        said = {"gen_ai.evaluation.name": "Fluency", "gen_ai.evaluation.score.value": 0.625}
        name = "gen_ai.evaluation.result"
        logs.get_logger("t").emit(LogRecord(event_name=name, attributes=said, context=context))
        logs.shutdown()

    async with service(tmp_path) as it:
        with TracerProvider().get_tracer("t").start_as_current_span("chat"):
            headers: dict[str, str] = {}
            TraceContextTextMapPropagator().inject(headers)
            decision = await ask(it, **headers)
            await asyncio.to_thread(send, it.url, get_current())
        assert await said_of(it, decision) == [("Fluency", "otel:Fluency", 0.625)]


async def test_said_twice_counts_once_and_a_correction_corrects(tmp_path: Path) -> None:
    async with service(tmp_path) as it:
        decision = await ask(it, **{"x-request-id": "r"})
        score = {"id": "s", "name": "good", "metadata": {"request_id": "r"}, "value": 0}
        later = {**score, "value": 1, "updatedAt": "2026-11-29T08:00:00Z"}
        batch = {"data": [score, score, later]}
        first = (await it.http.post("/v1/feedback/langfuse", json=batch)).json()
        again = (await it.http.post("/v1/feedback/langfuse", json=batch)).json()
        assert (first["learnt"], first["duplicates"]) == (2, 1)
        assert (again["learnt"], again["duplicates"]) == (0, 3)
        assert await said_of(it, decision) == [("good", "langfuse:good", 1.0)]


async def test_a_scale_that_was_stated_wrongly_is_put_right_by_sending_all_again(
    tmp_path: Path,
) -> None:
    async with service(tmp_path) as it:
        decision = await ask(it, **{"x-request-id": "r"})
        for scale, value in (([0, 5], 0.8), ([1, 5], 0.75)):
            rows = [{"request_id": "r", "metric": "m", "value": each, "scale": scale,
                     "score_id": str(each)} for each in (3, 4)]  # fmt: skip
            for learnt in (2, 0):
                told = (await it.http.post("/v1/feedback/rows", json=rows)).json()
                assert told["learnt"] == learnt, told
            assert await said_of(it, decision) == [("m", "explicit", value)]


async def test_the_operators_scales_hold_and_a_rating_without_one_is_left_out(
    tmp_path: Path,
) -> None:
    async with service(tmp_path) as it:
        decision = await ask(it, **{"x-request-id": "r"})
        rows = [
            {"request_id": "r", "metric": "stars", "value": 2},
            {"request_id": "r", "metric": "toxicity", "value": 0},
            {"request_id": "r", "metric": "verdict", "value": "So_so", "source": "elsewhere"},
            {"request_id": "r", "metric": "grade of it", "value": 7},
            {"request_id": "r", "metric": "clears\x1b[2J", "value": 1},
            {"value": 1},
        ]
        told = (await it.http.post("/v1/feedback/rows", json={"scores": rows})).json()
        assert (told["learnt"], told["left_out"]) == (3, 3)
        assert [each["place"] for each in told["reasons"]] == ["row 4", "row 5", "row 6"]
        assert await said_of(it, decision) == [
            ("stars", "explicit", 0.25),
            ("toxicity", "explicit", 1.0),
            ("verdict", "explicit", 0.25),
        ]
        one = {"request_id": "r", "metric": "grade of it", "value": 1}
        told = (await it.http.post("/v1/feedback/rows", json=one)).json()
        assert told["learnt"] == 0, "that it reaches to 7 is remembered"


async def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path: Path) -> None:
    async with service(tmp_path) as it:
        for body, said in [
            (b"{", "not valid JSON"),
            (b"", "no scores"),
            (b"\xff\xfe\x00", "UTF-8"),
            (json.dumps({"scores": [{"id": "a", "value": 1}] * 2001}).encode(), "at most 2,000"),
        ]:
            answer = await it.http.post("/v1/feedback/rows", content=body)
            assert answer.status_code == 400
            assert said in answer.json()["error"]["message"]


async def test_a_file_is_sent_by_the_command(tmp_path: Path) -> None:
    async with service(tmp_path) as it:
        decision = await ask(it, **{"traceparent": f"00-{TRACE}-{SPAN}-01"})
        file = tmp_path / "scores.csv"
        file.write_text(
            f"trace_id;name;value\n{RUN};percent right;85\n{RUN};other;0,5\nx;other;1\n"
        )
        told = ["learn", "--from", str(file), "--scale", "percent right=0..100", "--url", it.url]
        made = await asyncio.to_thread(CliRunner().invoke, app, told)
        assert made.exit_code == 0, made.output
        assert "2 scores learnt, 0 known before, 1 left out" in made.output
        assert await said_of(it, decision) == [
            ("percent right", "explicit", 0.85),
            ("other", "explicit", 0.5),
        ]
        again = await asyncio.to_thread(CliRunner().invoke, app, [*told, "--json"])
        assert json.loads(again.output)["duplicates"] == 2
        wrong = [*told[:-2], "--format", "parquet", "--url", it.url]
        made = await asyncio.to_thread(CliRunner().invoke, app, wrong)
        assert isinstance(made.exception, Exception)
        assert "one of rows, otel, langfuse, langsmith, csv, json" in str(made.exception)


async def test_only_exports_may_be_no_text(tmp_path: Path) -> None:
    """Bounds of bodies hold everywhere else, whatever type a body is said to have."""
    async with service(tmp_path) as it:
        binary = {"content-type": "application/x-protobuf"}
        for path in ("/v1/chat/completions", "/v1/feedback/otel"):
            deep = await it.http.post(path, content=b"[" * 500 + b"]" * 500, headers=binary)
            assert (deep.status_code, "deep" in deep.text or "128" in deep.text) == (400, True)


async def test_nobody_takes_the_name_of_anothers_answer(tmp_path: Path) -> None:
    """At hand, and after a restart: a caller's name stands behind the ids that are given out."""
    async with service(tmp_path) as it:
        first = await ask(it)
        for name in (first, "chatcmpl-0"):
            await ask(it, **{"x-request-id": name})
        for name, value in ((first, 0.25), ("chatcmpl-0", 0.75)):
            await it.http.post("/v1/feedback", json={"decision_id": name, "value": value})
            assert await said_of(it, first) == [("", "explicit", value)]
    async with service(tmp_path) as it:
        for name in (first, "chatcmpl-0"):
            it.service.feedbacks._open.clear()
            it.service.feedbacks._id_by_name.clear()
            told = await it.http.post("/v1/feedback", json={"decision_id": name, "value": 0.5})
            assert told.status_code == 200
            assert await said_of(it, first)


async def test_a_name_that_all_requests_have_is_that_of_the_last(tmp_path: Path) -> None:
    """A proxy that is set up wrongly: what is looked at in the store stays bounded."""
    async with service(tmp_path) as it:
        names = [await ask(it, **{"x-request-id": "same"}) for _ in range(70)]
    async with service(tmp_path) as it:
        await it.http.post("/v1/feedback/rows", json={"request_id": "same", "value": 1})
        assert await said_of(it, names[-1]) == [("", "explicit", 1.0)]


async def test_what_a_key_may_not_send_is_not_read(tmp_path: Path) -> None:
    required = '[server]\nkeys = "required"\n'
    async with service(tmp_path, required) as it:
        book = KeyBook(it.service.settings, it.service.clock)
        made = {scope: book.create(scope, scopes=[scope]).secret for scope in ("read", "feedback")}
        await it.service.housekeeping.read_keys()
        for kind in ("application/x-protobuf", "application/json"):
            for scope, status in (("read", 403), ("feedback", 400)):
                headers = {"authorization": f"Bearer {made[scope]}", "content-type": kind}
                told = await it.http.post("/v1/logs", content=b"nonsense", headers=headers)
                assert told.status_code == status, (kind, scope, told.text)
