"""OpenTelemetry by what a collector and a provider are sent; off, nothing of it is there."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.observability.otlp import CLIENT, SERVER, Collector, collector, facts
from tests.running import Running, config_of, running
from tests.upstream import Answer, Upstream, completion, stream_of, upstream
from windsock.errors import ConfigError
from windsock.observability import log
from windsock.observability.otel.wanted import wanted

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACED = {
    "traceparent": f"00-{TRACE}-{PARENT}-01",
    "tracestate": "congo=t61rcWkgMzE",
    "baggage": "tier=gold",
}
PROMPT, ANSWER = "the-words-of-the-prompt", "the-words-of-the-answer"
ASK = {"model": "auto", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 50}


CHEAPEST = 'objective = "value"\nusd_per_success = 1e-9\nexplore = 0.0\n'
"""No draw gives the dearer one."""


@asynccontextmanager
async def observed(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, *, config: str = "", **environ: str
) -> AsyncIterator[tuple[Running, Upstream, Upstream, Collector]]:
    """Two providers, the cheaper first; what was collected is whole once the block has ended."""
    async with (
        collector() as sink,
        upstream(lambda _: Answer(completion(ANSWER))) as first,
        upstream(lambda _: Answer(completion(ANSWER))) as second,
    ):
        known = {**sink.environ(), **environ}
        for name, value in known.items():
            monkeypatch.setenv(name, value)
        text = config_of(("acme", first.url, 1.0), ("bolt", second.url, 500.0)) + CHEAPEST + config
        async with running(text, tmp_path, **known) as it:
            yield it, first, second, sink


async def ask(it: Running, headers: dict[str, str] | None = None, **facts: Any) -> Any:
    return await it.http.post("/v1/chat/completions", json={**ASK, **facts}, headers=headers)


async def test_a_request_and_its_calls_are_spans_of_the_clients_trace(
    tmp_path, monkeypatch
) -> None:
    async with observed(tmp_path, monkeypatch) as (it, first, second, sink):
        first.reply = lambda _: Answer({"error": {"message": ANSWER}}, status=500)
        answer = await ask(it, TRACED)
        assert answer.status_code == 200
    (request,) = sink.of_kind(SERVER)
    failed, again, served = sink.of_kind(CLIENT)
    assert request.name == "POST /v1/chat/completions"
    assert {each.trace_id.hex() for each in sink.spans} == {TRACE}
    assert request.parent_span_id.hex() == PARENT
    assert {each.parent_span_id for each in (failed, again, served)} == {request.span_id}
    seen = [*first.headers, *second.headers]
    for headers, span in zip(seen, (failed, again, served), strict=True):
        assert headers["traceparent"] == f"00-{TRACE}-{span.span_id.hex()}-01"
        assert headers["tracestate"] == TRACED["tracestate"]
        assert headers["baggage"] == TRACED["baggage"]
    assert failed.name == served.name == "chat m"
    told = facts(failed.attributes)
    assert told["error.type"] == "server_error" and told["http.response.status_code"] == 500
    assert failed.status.code == 2
    told = facts(served.attributes)
    assert told.items() >= {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "bolt",
        "gen_ai.request.model": "m", "gen_ai.response.model": "served-model",
        "gen_ai.response.id": "chatcmpl-1", "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.request.max_tokens": 50, "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3, "server.address": "127.0.0.1",
        "windsock.deployment": "bolt/m", "windsock.attempt.reason": "fallback",
    }.items()  # fmt: skip
    assert "error.type" not in told and "gen_ai.request.stream" not in told
    told = facts(request.attributes)
    assert told["windsock.decision.id"] == answer.headers["x-windsock-decision-id"]
    assert (told["windsock.attempts"], told["http.response.status_code"]) == (3, 200)
    assert served.end_time_unix_nano <= request.end_time_unix_nano


async def test_no_prompt_no_answer_and_no_key_is_ever_sent(tmp_path, monkeypatch) -> None:
    async with observed(tmp_path, monkeypatch) as (it, first, _, sink):
        secret = {"authorization": "Bearer sk-client-secret", **TRACED}
        await ask(it, secret)
        first.reply = lambda _: Answer({"error": {"message": PROMPT}}, status=400)
        await ask(it, secret)
        first.reply = lambda _: Answer(events=stream_of([ANSWER]))
        await ask(it, secret, stream=True)
    sent = b"".join(sink.raw)
    assert len(sink.spans) >= 6 and sink.metrics
    for word in (PROMPT, ANSWER, "sk-client", "sk-upstream", "secret"):
        assert word.encode() not in sent


async def test_metrics_have_the_names_of_now_and_those_of_before_where_asked_for(
    tmp_path, monkeypatch
) -> None:
    names = []
    for opted in ("", "gen_ai/dup"):
        folder = tmp_path / (opted[:3] or "new")
        folder.mkdir()
        found = observed(folder, monkeypatch, OTEL_SEMCONV_STABILITY_OPT_IN=opted)
        async with found as (it, first, _, sink):
            used = {"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130,
                    "prompt_tokens_details": {"cached_tokens": 40},
                    "completion_tokens_details": {"reasoning_tokens": 20}}  # fmt: skip
            first.reply = lambda _, used=used: Answer(completion(usage=used))
            await ask(it)
            first.reply = lambda _: Answer(events=stream_of(["a", "b"]))
            await ask(it, stream=True)
            await it.http.post("/v1/embeddings", json={"model": "acme/m", "input": "x"})
        names.append(set(sink.metrics))
        prefix = "gen_ai.client.inference"
        totals = {
            name.removeprefix(f"{prefix}.usage."): sum(p.as_int for p in found)
            for name, found in sink.metrics.items()
            if name.startswith(f"{prefix}.usage.")
        }
        assert totals == {
            "input_tokens": 112, "output_tokens": 33, "cache_read.input_tokens": 40,
            "reasoning.output_tokens": 20,
        }  # fmt: skip
        assert sum(point.count for point in sink.metrics[f"{prefix}.duration"]) == 2
        assert sum(point.count for point in sink.metrics[f"{prefix}.time_to_first_chunk"]) == 1
        (point, *_) = sink.metrics[f"{prefix}.duration"]
        assert list(point.explicit_bounds)[:3] == [0.01, 0.02, 0.04]
        assert {p.count for p in sink.metrics["gen_ai.server.request.duration"]} == {1, 2}
    new, both = names
    old = {"gen_ai.client.token.usage", "gen_ai.client.operation.time_to_first_chunk"}
    assert not old & new and new | old == both


async def test_labels_of_metrics_are_none_that_callers_choose(tmp_path, monkeypatch) -> None:
    async with observed(tmp_path, monkeypatch) as (it, _, _, sink):
        for n in range(5):
            await ask(it, metadata={"task": f"task-{n}"}, session_id=f"s{n}", models=["acme/m"])
            await ask(it, model=f"unknown-{n}")
    for found in sink.metrics.values():
        assert len(found) <= 2
        for point in found:
            assert "task-" not in str(point) and "unknown-" not in str(point)


@pytest.mark.parametrize(
    ("sampler", "flags", "exported"),
    [("", "01", True), ("", "00", False), ("always_off", "01", False),
     ("parentbased_always_off", "01", True), ("traceidratio", "01", False)],
)  # fmt: skip
async def test_sampling_is_the_callers_or_the_environments(
    tmp_path, monkeypatch, sampler, flags, exported
) -> None:
    more = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": "0.0"} if sampler else {}
    async with observed(tmp_path, monkeypatch, **more) as (it, first, _, sink):
        await ask(it, {"traceparent": f"00-{TRACE}-{PARENT}-{flags}"})
    assert bool(sink.spans) is exported
    assert sink.metrics, "what is counted does not depend on what is sampled"
    told = first.headers[-1]["traceparent"].split("-")
    assert (told[1], told[3]) == (TRACE, "01" if exported else "00")


async def test_what_the_owner_keeps_from_providers_is_kept(tmp_path, monkeypatch) -> None:
    config = '[server]\npass_headers = ["traceparent"]\n'
    async with observed(tmp_path, monkeypatch, config=config) as (it, first, _, _):
        await ask(it, TRACED)
    assert first.headers[-1]["traceparent"].startswith(f"00-{TRACE}-")
    assert not {"baggage", "tracestate"} & first.headers[-1].keys()


async def test_a_request_without_a_call_is_one_span_and_no_path_of_a_callers_is_a_name(
    tmp_path, monkeypatch
) -> None:
    async with observed(tmp_path, monkeypatch) as (it, _, _, sink):
        assert (await ask(it, model="nobody")).status_code == 404
        await it.http.post("/v1/chosen-by-a-caller", json={})
        await it.http.get("/v1/models")
    names = sorted(span.name for span in sink.spans)
    assert names == ["POST", "POST /v1/chat/completions"]
    assert not sink.of_kind(CLIENT)
    assert {span.status.code for span in sink.spans} == {0}, "a caller's mistake is none of ours"


async def test_a_stream_has_its_first_chunk_and_its_end(tmp_path, monkeypatch) -> None:
    async with observed(tmp_path, monkeypatch) as (it, first, _, sink):
        first.reply = lambda _: Answer(events=stream_of(["a", "b"]), between_s=0.03)
        await ask(it, stream=True)
        first.reply = lambda _: Answer(events=stream_of(["a"], done=False)[:2], cut=True)
        await ask(it, stream=True)
    whole, broken = (facts(span.attributes) for span in sink.of_kind(CLIENT))
    assert whole["gen_ai.request.stream"] is True
    assert 0 < whole["gen_ai.response.time_to_first_chunk"] < 5
    assert broken["error.type"] == "broken" and "gen_ai.usage.input_tokens" not in broken


@pytest.mark.parametrize(
    ("more", "expected"),
    [({}, "windsock"), ({"OTEL_SERVICE_NAME": "ours"}, "ours"),
     ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=theirs,team=x"}, "theirs")],
)  # fmt: skip
async def test_the_service_has_the_name_that_the_environment_gives_it(
    tmp_path, monkeypatch, more, expected
) -> None:
    async with observed(tmp_path, monkeypatch, **more) as (it, _, _, sink):
        await ask(it)
    assert {each["service.name"] for each in sink.resources} == {expected}


@pytest.mark.parametrize(
    ("environ", "traces", "metrics"),
    [
        ({}, False, False),
        ({"OTEL_SERVICE_NAME": "x"}, False, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True, False),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c:4318/v1/metrics"}, False, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_METRICS_EXPORTER": "none"}, True, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"}, False, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
          "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf", "OTEL_METRICS_EXPORTER": "none"},
         True, False),
    ],
)  # fmt: skip
def test_what_the_environment_asks_for(environ, traces, metrics) -> None:
    found = wanted(environ)
    assert (found.has_traces, found.has_metrics) == (traces, metrics)


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_TRACES_EXPORTER": "zipkin"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/json"},
    ],
)
def test_what_is_not_offered_is_said_with_its_mend(environ) -> None:
    with pytest.raises(ConfigError, match=r"^OTEL_\w+: '\S+' is not offered; set it to "):
        wanted(environ)


async def test_what_cannot_be_had_is_logged_and_requests_are_served(
    tmp_path, monkeypatch, capsys
) -> None:
    log.configure(is_json=True)
    monkeypatch.setitem(sys.modules, "windsock.observability.otel.setup", None)
    async with observed(tmp_path, monkeypatch) as (it, first, _, sink):
        assert (await ask(it, TRACED)).status_code == 200
    assert not sink.raw
    assert first.headers[-1]["traceparent"] == TRACED["traceparent"], "passed on as it came"
    said = capsys.readouterr().err
    assert "telemetry.unavailable" in said and "pip install 'windsock[otel]'" in said


async def test_a_collector_that_is_away_is_in_nobodys_way_and_is_told_of_once_without_its_path(
    tmp_path, monkeypatch, capsys
) -> None:
    log.configure(is_json=True)
    more = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9/a-key-of-theirs",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "0.05",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    async with observed(tmp_path, monkeypatch, **more) as (it, *_):
        for _ in range(5):
            assert (await ask(it)).status_code == 200
            await asyncio.sleep(0.1)
    said = "".join(capsys.readouterr())
    assert said.count("telemetry.failed") == 1
    assert "a-key-of-theirs" not in said


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1", "telemetry.unavailable"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "nonsense", "telemetry.unavailable"),
        ("OTEL_TRACES_SAMPLER", "nonsense", "telemetry.misread"),
        ("OTEL_BSP_SCHEDULE_DELAY", "nonsense", "telemetry.misread"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key sk-of-the-collector", "telemetry.misread"),
    ],
)
async def test_a_variable_that_cannot_be_read_is_said_and_requests_are_served(
    tmp_path, monkeypatch, capsys, name, value, said
) -> None:
    log.configure(is_json=True)
    async with observed(tmp_path, monkeypatch, **{name: value}) as (it, *_):
        assert (await ask(it)).status_code == 200
    told = "".join(capsys.readouterr())
    assert said in told and "sk-of-the-collector" not in told
    assert value.partition(" ")[0] in told or name in told or "queue_size" in told


def test_nothing_of_it_is_imported_where_nothing_asks_for_it(tmp_path) -> None:
    """FastAPI imports its interfaces where they are installed; the SDK is ours."""
    program = """
import sys
from windsock.app.bootstrap import build
from windsock.config.file import parse
from tests.running import config_of
text = config_of(("acme", "http://127.0.0.1:9/v1", 1.0)) + "[feeds]\\nenabled = []\\n"
text += f"[store]\\nurl = 'sqlite:///{sys.argv[1]}/x.db'\\n"
build(parse(text, {}, source="x"), {}).ledger.close()
heavy = ("opentelemetry.sdk", "opentelemetry.exporter", "windsock.observability.otel.setup")
sys.exit(any(name.startswith(heavy) for name in sys.modules))
"""
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", program, tmp_path], check=False, cwd=root)
    assert ended.returncode == 0
