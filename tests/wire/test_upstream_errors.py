"""What providers' errors mean: bodies as public reports show them, each with its source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windsock.core.model.calls import CallKind, Out, Then
from windsock.providers.presets import error_rules
from windsock.wire.upstream_errors.delays import MAX_DELAY_S
from windsock.wire.upstream_errors.languages import in_english
from windsock.wire.upstream_errors.reading import is_unknown_call, refusal_of
from windsock.wire.upstream_errors.refusal import Refusal
from windsock.wire.upstream_errors.rules import rule_of, words_of

NOW = 1_790_000_000.0
LINES = (Path(__file__).parent / "provider_errors.jsonl").read_text().splitlines()
ROWS = [json.loads(line) for line in LINES]


def read(
    status: int | None, body: Any, headers: dict[str, str] | None = None, provider: str = ""
) -> Refusal:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return refusal_of(status, raw, headers or {}, NOW, error_rules(provider))


def error(message: str, **facts: Any) -> dict[str, Any]:
    return {"error": {"message": message, **facts}}


def told(row: dict[str, Any]) -> tuple[Any, ...]:
    """What an error was read as, as a row states it."""
    refusal = read(row["status"], row["body"], row.get("headers"), row.get("provider", ""))
    verdict, delay_s = refusal.verdict, refusal.retry_after_s
    delay_s = None if delay_s is None else round(delay_s, 3)
    return verdict.kind.value, verdict.then.value, verdict.out.value, verdict.field, delay_s


def test_real_bodies_mean_what_their_reports_say() -> None:
    """In one test: a test a row costs ten times what reading the row does."""
    read_as = {row["id"]: told(row) for row in ROWS}
    stated = {
        row["id"]: (
            row["means"],
            row["then"],
            row["out"],
            row.get("field", ""),
            None if row.get("delay_s") is None else round(row["delay_s"], 3),
        )
        for row in ROWS
    }
    assert len(read_as) == len(ROWS)
    assert {name: each for name, each in read_as.items() if each != stated[name]} == {}


def test_the_same_error_within_a_stream_is_never_the_callers() -> None:
    """The status is unknown there; codes and words say as much as they did, or it is a fault."""
    others = [row for row in ROWS if row["means"] != "caller_error"]
    kinds = {row["id"]: read(None, row["body"], row.get("headers")).verdict.kind for row in others}
    assert [name for name, kind in kinds.items() if kind is CallKind.CALLER_ERROR] == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (204, CallKind.SERVER_ERROR),
        (301, CallKind.SERVER_ERROR),
        (400, CallKind.REFUSED),
        (401, CallKind.AUTH_FAILED),
        (402, CallKind.OUT_OF_CREDIT),
        (403, CallKind.AUTH_FAILED),
        (404, CallKind.MODEL_GONE),
        (409, CallKind.REFUSED),
        (410, CallKind.MODEL_GONE),
        (413, CallKind.CONTEXT_EXCEEDED),
        (418, CallKind.REFUSED),
        (424, CallKind.SERVER_ERROR),
        (429, CallKind.RATE_LIMITED),
        (498, CallKind.OVERLOADED),
        (529, CallKind.OVERLOADED),
        (599, CallKind.SERVER_ERROR),
        (None, CallKind.SERVER_ERROR),
    ],
)
@pytest.mark.parametrize("body", ["", "no", "{}", "[]", "null", '{"error": null}', '"text"'])
def test_a_body_that_says_nothing_leaves_the_status(
    status: int | None, kind: CallKind, body: str
) -> None:
    assert read(status, body).verdict.kind is kind


LIKE_ANOTHER = [
    ("model_gone", 404, "Error response from provider: The model `m` does not exist"),
    ("model_gone", 404, "Container for model m not found"),
    ("model_gone", 404, "Model llama-3.2-11b-vision-preview is not available"),
    ("model_gone", 404, "Model kimi-k2-thinking is not available for your account"),
    ("model_gone", 403, "This model is only available to users on a paid plan"),
    ("server_error", 503, "The model is temporarily not available, please try again"),
    ("server_error", 504, "Timeout exceeded: context deadline exceeded"),
    ("server_error", 500, "Guardrail service failed: timeout after 5 s"),
    ("auth_failed", 403, "Access to guardrail g was denied"),
    ("auth_failed", 401, "Your access token is no longer known: it has expired"),
    ("content_refused", 400, "The prompt sent to the model was blocked by our safety system."),
    ("content_refused", 400, "Request to model m blocked by guardrail pii-filter"),
    ("rate_limited", 429, "API key limit reached: 60 requests per minute"),
    ("rate_limited", 429, "Your input tokens per minute limit exceeded"),
    ("out_of_credit", 402, "Your quota has been used up; add credits to refresh it"),
    ("refused", 400, "unsupported region code in tool web_search"),
    ("rate_limited", 429, "Number of images per minute exceeds your limit"),
    ("rate_limited", 429, "You can upload up to 5 files per day"),
    ("cannot_serve_this_request", 400, "Input image is too large: 20 MB, the limit is 10 MB"),
    ("cannot_serve_this_request", 400, "The prompt has too many images: 21 > 20"),
    ("cannot_serve_this_request", 400, "max_tokens 200000 must be less than max_model_len 32768"),
    ("refused", 400, "Input list is too long, send at most 96 texts"),
    ("refused", 400, "Input exceeds max batch size of 96"),
    ("refused", 400, "logit_bias: token id 99999 is invalid"),
    ("refused", 400, "Unexpected token '}' in JSON at position 5: invalid JSON"),
    ("refused", 400, "Output token limit reached"),
    ("content_refused", 400, "Access was blocked: your prompt violates our policy."),
    ("content_refused", 400, "Refused for this project: the request violates our terms."),
    ("cannot_serve_this_request", 400, "max_tokens 9000 is greater than the maximum output tokens"),
    ("auth_failed", 403, "You do not have permission to use this API."),
    ("model_gone", 400, "model 'x' is not hosted on this cluster"),
    ("out_of_credit", 429, "Your wallet balance is 0. Recharge to go on."),
    ("context_exceeded", 400, "Token count 40000 is above the 32768 limit of this model"),
    ("context_exceeded", 400, "Please shorten your prompt: it has 40000 tokens"),
    ("context_exceeded", 400, "prompt + max_tokens > max_seq_len"),
    ("refused", 400, "The result of get_user is: user not found"),
    ("refused", 404, "user not found in thread"),
    ("server_error", 500, "User not found"),
    ("auth_failed", 401, "User not found."),
    ("cannot_serve_this_request", 403, "Your plan does not include image inputs"),
    ("cannot_serve_this_request", 402, "This feature requires a paid plan"),
    ("model_gone", 403, "Your plan does not include access to this model"),
    ("auth_failed", 403, "Your plan does not include API access"),
]
"""Sentences with words of an error of another kind, which would take out a model or an account."""


@pytest.mark.parametrize(("means", "status", "message"), LIKE_ANOTHER)
def test_a_sentence_is_not_read_as_another_that_shares_words(
    means: str, status: int, message: str
) -> None:
    assert read(status, error(message)).verdict.kind == means


def test_a_quota_of_a_month_that_resets_is_left_alone_for_long() -> None:
    said = "You exceeded your monthly quota. Your quota resets on the first of the month."
    assert read(429, error(said)).retry_after_s == 3600


def test_a_page_that_forbids_may_mean_this_request_only() -> None:
    page = "<html><head><title>Attention Required! | Cloudflare</title></head></html>"
    verdict = read(403, page).verdict
    assert (verdict.kind, verdict.out) == (CallKind.REFUSED, Out.REQUEST)


def test_numbers_mean_what_their_own_provider_means_by_them() -> None:
    body = error("x", code="1301")
    assert read(400, body, provider="zai").verdict.kind is CallKind.CONTENT_REFUSED
    assert read(400, body).verdict.kind is CallKind.REFUSED


def test_what_the_caller_sent_is_not_read_as_the_providers_words() -> None:
    detail = {"type": "literal_error", "loc": ["body", "messages", 0], "input": "invalid api key"}
    verdict = read(422, {"detail": [detail]}).verdict
    assert (verdict.kind, verdict.field) == (CallKind.REFUSED, "messages.0")


ECHO = '{"name": "f", "code": "insufficient_quota", "status": 401}'


@pytest.mark.parametrize(
    ("message", "means"),
    [
        (f"Invalid 'tool_calls[0].function.arguments': {ECHO}", "refused"),
        (f"Upstream said: [{ECHO}]", "refused"),
        ('Tool result is no list of parts: {"error": "unauthorized"}', "refused"),
        ('Upstream said: {"error": {"code": "insufficient_quota"}}', "out_of_credit"),
        ('Upstream said: {"msg": "no", "code": "insufficient_quota"}', "out_of_credit"),
        ('Upstream said: [{"detail": "no", "type": "insufficient_quota"}]', "out_of_credit"),
        ('Upstream said: {"msg": "\ud800", "code": "insufficient_quota"}', "out_of_credit"),
        ("\ud800", "refused"),
    ],
)
@pytest.mark.parametrize("shape", ["openai", "plain"])
def test_json_after_words_is_read_where_it_is_an_error(
    shape: str, message: str, means: str
) -> None:
    refusal = read(400, error(message) if shape == "openai" else {"message": message})
    assert refusal.verdict.kind == means
    assert json.loads(refusal.body)["error"]["message"].startswith(message[:8].rstrip(": {"))


@pytest.mark.parametrize("words", ["Signature auth error", "Add funds", "Model m not accessible"])
def test_words_of_a_request_are_no_evidence_where_the_status_blames_the_request(words: str) -> None:
    blamed = {read(status, error(words)).verdict.kind for status in (400, 409, 415, 422)}
    assert blamed == {CallKind.REFUSED}
    assert read(None, error(words, type="invalid_request_error")).verdict.kind == CallKind.REFUSED
    kinds = {read(status, error(words)).verdict.kind for status in (None, 429, 500, 503)}
    assert len(kinds) == 1
    assert kinds <= {CallKind.AUTH_FAILED, CallKind.OUT_OF_CREDIT, CallKind.MODEL_GONE}


def test_nothing_is_mended_where_no_field_is_named() -> None:
    verdict = read(400, error("no", code="unsupported_parameter")).verdict
    assert (verdict.kind, verdict.then) == (CallKind.CANNOT_SERVE, Then.ELSEWHERE)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7.5"}, 7.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Mon, 21 Sep 2026 14:14:20 GMT"}, 60.0),
        (
            {
                "retry-after": "Mon, 21 Sep 2026 15:00:30 GMT",
                "date": "Mon, 21 Sep 2026 15:00:00 GMT",
            },
            30.0,
        ),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "9e99"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2099 07:28:00 GMT"}, None),
        ({"retry-after": "inf", "x-ratelimit-reset": "4"}, 4.0),
        ({"x-ratelimit-reset-requests": "12ms"}, 0.012),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-reset-tokens": "1s"}, 1.0),
        ({"x-ratelimit-reset": "1790000060"}, 60.0),
        ({"x-ratelimit-reset": "1790000060000"}, 60.0),
        ({"ratelimit-reset": "50"}, 50.0),
        ({"anthropic-ratelimit-unified-reset": "1790000100"}, 100.0),
        ({"anthropic-ratelimit-tokens-reset": "2026-09-21T14:13:25Z"}, 5.0),
        ({"x-ratelimit-reset": "9" * 400}, None),
        ({"x-ratelimit-" + "reset-" * 9000 + "!": "4"}, None),
        ({"ratelimit": "limit=100, remaining=0, reset=30"}, 30.0),
        ({"ratelimit": '"default";r=0;t=30'}, 30.0),
        ({"x-rate-limit-reset": "1790000030"}, 30.0),
        ({"ratelimitbysize-reset": "26", "ratelimitbysize-remaining": "0"}, 26.0),
        ({"retry-after": "60, 60"}, 60.0),
        ({"x-retry-after": "7"}, 7.0),
    ],
)
def test_headers_say_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    assert read(429, "", headers).retry_after_s == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please try again in 7.66s.", 7.66),
        ("Please try again in 1m2.5s.", 62.5),
        ("Please try again in 20ms.", 0.02),
        ("Please try again in 1h30m", 5400.0),
        ("Please retry after 2 minutes", 120.0),
        ("Please retry your requests after 6 seconds.", 6.0),
        ("Please wait 29834 seconds before retrying.", 29834.0),
        ("You've hit your weekly limit. Resets in 3 days", 259200.0),
        ("You have hit your weekly limit", 3600.0),
        ("Number of requests has exceeded your 7-day rate limit.", 3600.0),
        ("Operation will be retried after 7 seconds.", 7.0),
        ("분당 한도에 도달했습니다. 30초 후에 다시 시도해 주세요.", 30.0),
        ("riprova tra 15 secondi", 15.0),
        ("Retry after: 30 seconds", 30.0),
        ("Rate limited. Retry-After: 30", 30.0),
        ("Please slow down, retry_after=1.5m", 90.0),
        ('VertexAIException - b\'{\\n "retryDelay": "25s"}\'', 25.0),
        ('OpenrouterException - {"metadata":{"retry_after_seconds":60}}', 60.0),
        ("Your limit resets in ~8s.", 8.0),
        ("Quota will be replenished in 2.11:11:11.", 213071.0),
        ("Next request allowed in 2.8s", 2.8),
        ("Remaining: 0. Limit resets at: 2026-09-21 14:14:20 UTC", 60.0),
        ("请求过于频繁，请 30 秒后重试", 30.0),
        ("您的限额将在 2026-09-21 22:14:20 重置。", 60.0),
        ("额度已用尽，恢复时间：2026-09-21 22:14:20", 60.0),
        ("将于 2026-09-21 14:14:20 UTC 重置", 60.0),
        ("请于 2026-09-21 22:14:20+08:00 后重试", 60.0),
        ("您的限额将在 2026-09-21 14:14:20 重置。", None),
        ("您的套餐有效期至 2026-12-31 00:00:00，请稍后重试", None),
        ("Try again in 99999999999 days", None),
        ("Try again later", None),
        ("try again in a moment", None),
        ("Please try again in an hour.", 3600.0),
        ("wait one minute and try again", 60.0),
        ("retry in a day and 2 hours", 93600.0),
        ("try again in a minimum of time", None),
        ("Please wait for a slot, try again in 30 seconds", 30.0),
        ("Retry in an instant, or retry after 20s", 20.0),
    ],
)
def test_words_say_when_to_come_back(words: str, seconds: float | None) -> None:
    assert read(429, error(words)).retry_after_s == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"retryAfter": "7s"}, 7.0),
        ({"retry_after_ms": 1500}, 1.5),
        ({"detail": {"retry_after_seconds": 9}}, 9.0),
        ({"rate_limit": {"reset_at": 1790000040}}, 40.0),
        ({"resets_at": "2026-09-21T14:14:20Z"}, 60.0),
        ({"message": "请求过多", "reset_time": "2026-09-21 22:14:20"}, 60.0),
        ({"reset_time": 1790000050000}, 50.0),
        ({"metadata": {"quotaResetTimeStamp": "2026-09-21T14:14:20Z"}}, 60.0),
        ({"wait_seconds": 14}, 14.0),
        ({"time_to_reset": 15}, 15.0),
        ({"max_retries": 3, "retry": 2, "retryable": 1, "reset_count": 4}, None),
    ],
)
def test_fields_say_when_to_come_back(fields: dict[str, Any], seconds: float | None) -> None:
    assert read(429, {"error": fields}).retry_after_s == pytest.approx(seconds)


def test_the_resets_of_limits_that_were_not_reached_delay_nothing() -> None:
    headers = {"x-ratelimit-reset-requests": "2m59s", "x-ratelimit-remaining-requests": "14370"}
    assert read(500, "", headers).retry_after_s is None


def test_of_several_limits_the_last_one_reached_decides() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "30s",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "50s",
        "x-ratelimit-remaining-images": "3",
        "x-ratelimit-reset-images": "1s",
    }
    assert read(429, "", headers).retry_after_s == 50.0


def test_a_body_in_openais_shape_is_told_as_it_came() -> None:
    raw = b'{"error": {"message": "no", "type": "t", "param": null, "code": "c"}, "more": 1}'
    assert refusal_of(400, raw, {}, NOW).body == raw


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([{"error": {"message": "API key not valid."}}], "API key not valid."),
        ({"message": "Input is too long"}, "Input is too long"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"errors": [{"message": "one"}, {"message": "two"}]}, "one; two"),
        ({"error": "plain"}, "plain"),
        ("upstream  connect\nerror", "upstream connect error"),
        ("<html><head><title>502 Bad Gateway</title></head>", "502 Bad Gateway"),
    ],
)
def test_words_in_another_shape_are_told_in_openais(body: Any, message: str) -> None:
    assert json.loads(read(400, body).body)["error"]["message"] == message


def test_an_empty_body_has_no_words() -> None:
    assert read(400, "").body == b""


def test_a_rule_of_unknown_words_is_refused() -> None:
    with pytest.raises(ValueError, match="sideways"):
        rule_of(means="sideways")
    with pytest.raises(ValueError, match="sideways"):
        rule_of(means="refused", then="sideways")


def nested(depth: int) -> bytes:
    return b'{"error":' * depth + b"1" + b"}" * depth


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(
        ["error", "message", "code", "type", "details", "retryDelay", "param", "loc", "status"]
    ), inner),
)  # fmt: skip


@given(st.none() | st.integers(100, 999), values, st.text(max_size=40))
def test_no_body_and_no_header_breaks_the_reading(status: int | None, body: Any, text: str) -> None:
    headers = {"retry-after": text, "x-ratelimit-reset": text, "date": text}
    refusal = refusal_of(status, json.dumps(body).encode(), headers, NOW, error_rules(""))
    delay_s = refusal.retry_after_s
    assert delay_s is None or 0.0 <= delay_s <= MAX_DELAY_S


@given(st.binary())
def test_no_bytes_break_the_reading(raw: bytes) -> None:
    assert refusal_of(400, raw, {}, NOW, error_rules("")).verdict.kind in CallKind


MONSTERS = [
    nested(500), b"[" * 5000, b"{" + b'"a":1,' * 90000 + b'"b":2}', b"\xef\xbb\xbf" * 5000 + b"{}",
    b"<html>" + b"<title>" * 9000, b"<html>" + b"<title" * 9000, b"data: [\n" * 9000,
]  # fmt: skip


@pytest.mark.parametrize("raw", MONSTERS)
def test_a_monstrous_body_is_read_as_far_as_is_reasonable(raw: bytes) -> None:
    assert refusal_of(400, raw, {}, NOW, error_rules("")).verdict.kind is CallKind.REFUSED


WORDS_OF_RULES = words_of({"purse": ["balance", "funds?"], "empty": ["gone"], "field": ["field"]})


@pytest.mark.parametrize(
    ("message", "fits"),
    [
        ("Balance: gone.", True),
        ("Gone is the fund", True),
        ("Your balance is fine. It has gone up.", False),
        ("the balance field is gone", False),
        ("rebalanced and gone", False),
        ("no", False),
    ],
)
def test_a_sentence_tells_by_a_word_of_each_kind(message: str, fits: bool) -> None:
    rule = rule_of(means="out_of_credit", tells=["purse empty -field"], words=WORDS_OF_RULES)
    raw = json.dumps(error(message)).encode()
    kind = refusal_of(400, raw, {}, NOW, [rule]).verdict.kind
    assert (kind is CallKind.OUT_OF_CREDIT) == fits


def test_a_rule_of_words_that_are_not_stated_is_refused() -> None:
    with pytest.raises(ValueError, match="purse"):
        rule_of(means="refused", tells=["purse"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "It is too lo', "It is too lo"),
        ('{"error": {"message": "a\\nb \\"c\\"", "type": "t', 'a\nb "c"'),
        ("{'error': {'message': \"can't\", 'code': 'c'}}", "can't"),
        ("<Error><Code>C</Code><Message>no key</Message></Error>", "no key"),
        ('<?xml version="1.0"?><a:Fault><faultstring>down</faultstring></a:Fault>', "down"),
        ("<html><head><title>down</title></head></html>", "down"),
        ("[note] {no JSON}", "[note] {no JSON}"),
    ],
)
def test_a_body_that_is_no_whole_json_is_read_as_far_as_it_goes(body: str, words: str) -> None:
    assert json.loads(read(400, body).body)["error"]["message"] == words


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("saldo insuficiente", "balance insufficient"),
        ("模型不存在", "model does not exist"),
        ("残高が不足しています", "balance が insufficient しています"),
        ("the balance is too low", ""),
    ],
)
def test_words_of_other_languages_are_put_into_english(text: str, english: str) -> None:
    assert in_english(text) == english


@pytest.mark.parametrize(
    ("said", "path", "is_unknown"),
    [
        ("404 page not found", "/v1/messages", True),
        (error("Invalid URL (POST /v1/responses)"), "/v1/responses", True),
        (error("Unknown request URL: POST /v1/messages."), "/v1/messages", True),
        ({"message": "no Route matched with those values"}, "/v1/messages", True),
        (error("models/g-x is not found for API version v1beta."),
         "/v1beta/models/g-x:generateContent", False),
        (error("Container container_0 not found"), "/v1/messages", False),
        (error("Conversation with id 'conv_1' not found."), "/v1/responses", False),
        (error("Prompt with id 'pmpt_1' not found."), "/v1/responses", False),
    ],
)  # fmt: skip
def test_a_call_that_is_not_there_is_told_from_what_it_does_not_find(
    said: Any, path: str, is_unknown: bool
) -> None:
    raw = said.encode() if isinstance(said, str) else json.dumps(said).encode()
    assert is_unknown_call(404, raw, path=path) is is_unknown
