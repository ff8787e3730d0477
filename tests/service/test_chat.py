"""Chat completions through the running service, against real servers on loopback."""

import httpx
import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, event, stream_of, upstream
from windsock.service.auth import new_key
from windsock.store import queries

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


def fine(body: dict) -> Answer:
    if body.get("stream"):
        return Answer(events=stream_of(["Hel", "lo"]))
    return Answer(completion())


async def test_an_answer_comes_back_with_its_cost_and_its_decision(tmp_path) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        answer = await it.http.post("/v1/chat/completions", json=ASK)
        assert answer.status_code == 200
        body = answer.json()
        assert body["choices"][0]["message"]["content"] == "hello"
        assert body["provider"] == "acme"
        assert body["model"] == "served-model"
        assert body["usage"]["cost"] == pytest.approx((12 * 1.0 + 3 * 4.0) / 1e6)
        assert answer.headers["x-windsock-deployment"] == "acme/m"
        assert float(answer.headers["x-windsock-propensity"]) == 1.0
        assert float(answer.headers["x-windsock-cost-usd"]) == pytest.approx(24e-6)
        assert answer.headers["x-windsock-attempts"] == "1"
        assert acme.seen == [{**ASK, "model": "m"}]
        assert acme.headers[0]["authorization"] == "Bearer sk-upstream-acme-secret"


async def test_a_stream_is_relayed_and_its_usage_asked_for_but_kept_from_who_did_not_ask(
    tmp_path,
) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        answer = await it.http.post("/v1/chat/completions", json={**ASK, "stream": True})
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.content == b"".join(stream_of(["Hel", "lo"], usage=False))
        assert acme.seen[0]["stream_options"] == {"include_usage": True}


async def test_who_asks_for_usage_gets_it_with_the_cost(tmp_path) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        ask = {**ASK, "stream": True, "stream_options": {"include_usage": True}}
        answer = await it.http.post("/v1/chat/completions", json=ask)
        last = httpx.Response(200, content=answer.content.split(b"data: ")[-2]).json()
        assert last["choices"] == []
        assert last["usage"]["cost"] == pytest.approx(24e-6)
        assert answer.content.endswith(b"data: [DONE]\n\n")


async def test_a_failing_deployment_is_left_for_another_before_the_first_byte(tmp_path) -> None:
    broken = Answer({"error": {"message": "down"}}, status=500)
    async with upstream(lambda _: broken) as bad, upstream(fine) as good:
        config = config_of(("bad", bad.url, 0.1), ("good", good.url, 1.0))
        async with running(config, tmp_path) as it:
            for is_stream, attempts in ((False, "3"), (True, "2")):
                answer = await it.http.post(
                    "/v1/chat/completions",
                    json={**ASK, "model": "bad/m", "models": ["good/m"], "stream": is_stream},
                )
                assert answer.status_code == 200
                assert answer.headers["x-windsock-deployment"] == "good/m"
                assert answer.headers["x-windsock-attempts"] == attempts, (
                    "the first error is tried again"
                )


@pytest.mark.parametrize(
    "bad",
    [
        Answer("<html>sorry</html>", content_type="text/html"),
        Answer('{"choices": ['),
        Answer({"choices": []}),
        Answer(events=[event({"error": {"message": "overloaded"}})]),
        Answer(events=[b": keep-alive\n\n"]),
    ],
    ids=["html", "truncated", "no-choices", "error-event", "empty-stream"],
)
async def test_what_is_no_answer_is_a_failure_and_another_is_asked(bad, tmp_path) -> None:
    is_stream = bad.events is not None
    async with upstream(lambda _: bad) as one, upstream(fine) as good:
        config = config_of(("bad", one.url, 0.1), ("good", good.url, 1.0))
        async with running(config, tmp_path) as it:
            ask = {**ASK, "model": "bad/m", "models": ["good/m"], "stream": is_stream}
            answer = await it.http.post("/v1/chat/completions", json=ask)
            assert answer.status_code == 200
            assert answer.headers["x-windsock-deployment"] == "good/m"


@pytest.mark.parametrize("cut", [False, True], ids=["clean-end", "reset"])
async def test_a_stream_that_breaks_after_its_first_byte_ends_with_an_error_and_no_done(
    cut, tmp_path
) -> None:
    torn = Answer(events=stream_of(["Hel", "lo"])[:2], cut=cut)
    async with upstream(lambda _: torn) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json={**ASK, "stream": True})
            assert b"Hel" in answer.content
            assert b'"code":"stream_broken"' in answer.content
            assert b"[DONE]" not in answer.content


async def test_an_error_of_the_caller_is_passed_on_as_it_is(tmp_path) -> None:
    error = {"error": {"message": "no such tool", "type": "invalid_request_error", "param": "tools",
                       "code": None}}  # fmt: skip
    async with upstream(lambda _: Answer(error, status=400)) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json=ASK)
            assert answer.status_code == 400
            assert answer.json() == error
            assert answer.headers["x-should-retry"] == "false"
            assert len(acme.seen) == 1


async def test_when_every_attempt_fails_the_error_names_them(tmp_path) -> None:
    broken = Answer({"error": {}}, status=503)
    async with upstream(lambda _: broken) as one, upstream(lambda _: broken) as two:
        config = config_of(("one", one.url, 1.0), ("two", two.url, 1.0))
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json=ASK)
            assert answer.status_code == 502
            assert answer.headers["x-should-retry"] == "false"
            assert "one/m" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"{", 400, "JSON"),
        (b'{"messages": []}', 400, "model"),
        (b'{"model": "auto"}', 400, "messages"),
        (b'{"model": "atuo", "messages": []}', 404, "auto"),
        (b'{"model": 3, "messages": []}', 400, "model"),
        (b'{"model": "auto", "messages": [{"content": [{"type": "image_url"}]}]}', 422, "images"),
    ],
)
async def test_a_bad_request_gets_one_clear_sentence(body, status, word, tmp_path) -> None:
    blind = '[deployments."acme/m".capabilities]\nvision = false\n'
    async with (
        upstream(fine) as acme,
        running(config_of(("acme", acme.url, 1.0)) + blind, tmp_path) as it,
    ):
        answer = await it.http.post("/v1/chat/completions", content=body)
        assert answer.status_code == status
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
        assert word in answer.json()["error"]["message"]
        assert acme.seen == []


async def test_a_body_beyond_the_bound_is_refused(tmp_path) -> None:
    async with upstream(fine) as acme:
        config = config_of(("acme", acme.url, 1.0)) + "[server]\nmax_body_mb = 0.001\n"
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", content=b"x" * 5000)
            assert answer.status_code == 413


async def test_unknown_fields_go_upstream_untouched_and_routing_fields_do_not(tmp_path) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        ask = {
            **ASK,
            "top_k": 7,
            "weird": {"deep": [1, 2.5e-7, None]},
            "provider": {"sort": "price"},
            "session_id": "s",
            "metadata": {"task": "sql", "team": "x"},
        }
        answer = await it.http.post("/v1/chat/completions", json=ask)
        assert answer.status_code == 200
        assert acme.seen[0] == {
            **ASK,
            "model": "m",
            "top_k": 7,
            "weird": {"deep": [1, 2.5e-7, None]},
            "metadata": {"team": "x"},
        }


async def test_the_decision_alone_and_feedback_on_it(tmp_path) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        decision = (await it.http.post("/v1/route", json=ASK)).json()
        assert decision["deployment"] == "acme/m"
        assert decision["weights"] == {"acme/m": 1.0}
        said = {"decision_id": decision["decision_id"], "value": True}
        credit = (await it.http.post("/v1/feedback", json=said)).json()
        assert credit["deployment"] == "acme/m"
        assert not credit["is_duplicate"]
        again = (await it.http.post("/v1/feedback", json=said)).json()
        assert again["is_duplicate"]
        assert again["posterior"] == credit["posterior"]
        corrected = (await it.http.post("/v1/feedback", json={**said, "value": 0.0})).json()
        mean = corrected["posterior"]["success_mean"]
        assert mean < credit["posterior"]["success_mean"]
        lost = await it.http.post("/v1/feedback", json={"decision_id": "nope", "value": 1})
        assert lost.status_code == 404


async def test_feedback_by_the_id_of_the_answer(tmp_path) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        answer = (await it.http.post("/v1/chat/completions", json=ASK)).json()
        credit = await it.http.post("/v1/feedback", json={"id": answer["id"], "value": 0.5})
        assert credit.status_code == 200


async def test_inspection(tmp_path) -> None:
    async with upstream(fine) as acme, upstream(fine) as bolt:
        config = config_of(("acme", acme.url, 1.0), ("bolt", bolt.url, 2.0))
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json=ASK)
            decision_id = answer.headers["x-windsock-decision-id"]
            (cell,) = (await it.http.get("/v1/weights", params={"route": "auto"})).json()["data"]
            assert sum(cell["weights"].values()) == pytest.approx(1)
            assert cell["candidates"][0]["price"]["feed"] == "config"
            models = (await it.http.get("/v1/models")).json()["data"]
            assert [m["id"] for m in models] == ["auto", "acme/m", "bolt/m"]
            assert models[1]["pricing"]["prompt"] == "0.000001"
            prices = (await it.http.get("/v1/prices")).json()["data"]
            assert prices[0]["usd_per_mtok"] == {"input": 1.0, "output": 4.0}
            (row, _) = (await it.http.get("/v1/deployments")).json()["data"]
            assert row["state"] == "closed"
            await it.service.ledger.flushed()
            why = (await it.http.get(f"/v1/decisions/{decision_id}")).json()
            assert why["draw"]["gives"] == why["deployment"]
            assert why["table"]["weights"] == cell["weights"]
            export = await it.http.get("/v1/decisions")
            assert decision_id in export.text
            report = (await it.http.get("/v1/report")).json()["data"]
            assert report[0]["requests"] == 1
            what = await it.http.post("/v1/whatif", json={"prices": {"acme/m": {"input": 90}}})
            (then,) = what.json()["data"]
            assert then["weights_then"]["acme/m"] < then["weights_now"]["acme/m"]
            assert (await it.http.get("/readyz")).status_code == 200
            assert "windsock_weight{" in (await it.http.get("/metrics")).text
            assert (await it.http.get("/v1/decisions/none")).status_code == 404


async def test_the_openapi_document_describes_the_data_plane_too(tmp_path) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        paths = (await it.http.get("/openapi.json")).json()["paths"]
        for path in ("/v1/chat/completions", "/v1/route", "/v1/feedback", "/v1/weights"):
            assert path in paths


async def test_keys_scopes_and_namespaces(tmp_path) -> None:
    async with upstream(fine) as acme:
        config = config_of(("acme", acme.url, 1.0)) + '[server]\nadmin_token = "root-of-all"\n'
        async with running(config, tmp_path) as it:
            keys = {}
            for name, scopes in (("one", ("infer", "feedback")), ("two", ("feedback", "read"))):
                key, public, digest = new_key()
                keys[name] = {"authorization": f"Bearer {key}"}
                record = queries.VirtualKey(
                    id=public, name=name, sha256=digest, namespace=name, scopes=scopes, created_at=0
                )
                queries.add_key(it.service.engine, record)
            it.service.access.replace_keys(queries.keys(it.service.engine))
            post = it.http.post
            assert (await post("/v1/chat/completions", json=ASK)).status_code == 401
            wrong = {"authorization": "Bearer x' OR pg_sleep(8)--"}
            assert (await post("/v1/chat/completions", json=ASK, headers=wrong)).status_code == 401
            assert (
                await post("/v1/chat/completions", json=ASK, headers=keys["two"])
            ).status_code == 403
            answer = await post("/v1/chat/completions", json=ASK, headers=keys["one"])
            assert answer.status_code == 200
            said = {"decision_id": answer.headers["x-windsock-decision-id"], "value": 1}
            foreign = await post("/v1/feedback", json=said, headers=keys["two"])
            assert foreign.status_code == 404
            assert (await post("/v1/feedback", json=said, headers=keys["one"])).status_code == 200
            assert (await it.http.get("/v1/weights", headers=keys["one"])).status_code == 403
            assert (await it.http.get("/v1/weights", headers=keys["two"])).status_code == 200
            admin = {"x-api-key": "root-of-all"}
            assert (await it.http.get("/v1/weights", headers=admin)).status_code == 200
            assert (await it.http.get("/healthz")).status_code == 200


async def test_a_spent_budget_is_402(tmp_path) -> None:
    async with upstream(fine) as acme:
        config = config_of(("acme", acme.url, 100.0)).replace(
            "candidates", 'objective = "budget"\nbudget = "day"\ncandidates'
        )
        config += "[budgets.day]\nusd_per_day = 0.004\n"
        async with running(config, tmp_path) as it:
            statuses = [
                (await it.http.post("/v1/chat/completions", json=ASK)).status_code for _ in range(4)
            ]
            assert statuses == [200, 200, 402, 402]
