"""How a whole answer ended: an answer, nothing, or a failure that its provider names."""

from __future__ import annotations

import pytest

from windsock.core.evidence.answer_ends import AnswerEnd, usual_end
from windsock.core.model.calls import CallKind

FAILED = [
    "abort", "aborted", "cancelled", "error", "failed", "insufficient_system_resource",
    "malformed_function_call", "network_error", "server_error", "timeout", "unexpected_tool_call",
    "malformed_model_output", "malformed_tool_use", "malformed_response", "engine_error",
    "error_limit", "too_many_tool_calls", "missing_thought_signature", "user_cancel",
    "engine_dead", "upstream_disconnected", "interrupted", "crashed", "overloaded",
    "server_shutdown", "model_error",
]  # fmt: skip
REFUSED = [
    "blocklist", "content_filter", "content_filtered", "guardrail_intervened", "image_safety",
    "prohibited_content", "recitation", "refusal", "safety", "sensitive", "spii",
    "image_prohibited_content", "image_recitation", "model_armor", "ResponsibleAI", "risk",
    "jailbreak", "blocked", "policy_violation", "nsfw", "censored", "ContentFilter",
]  # fmt: skip
OTHERS = [
    "stop", "eos", "eos_token", "tool_calls", "end_turn", "stop_sequence", "COMPLETE", "OTHER",
    "model_length", "model_context_window_exceeded", "function_call", "repetition", "", None,
]  # fmt: skip


def end(finish: str | None, *, is_empty: bool = True, **facts) -> AnswerEnd:
    return AnswerEnd(finish_reason=finish, is_empty=is_empty, **facts)


@pytest.mark.parametrize("word", FAILED)
@pytest.mark.parametrize("form", ["{}", "function_call_filter: {}"])
def test_a_failure_that_is_named_is_one_whatever_was_shown(word, form) -> None:
    for spelt in (word, word.upper()):
        ended = end(form.format(spelt), is_empty=False)
        assert ended.kind(may_be_empty=True) is CallKind.SERVER_ERROR


@pytest.mark.parametrize("word", OTHERS)
def test_any_other_word_ends_an_answer_if_it_shows_anything(word) -> None:
    assert end(word, is_empty=False).kind() is CallKind.ANSWERED
    assert end(word).kind() is CallKind.EMPTY_ANSWER
    assert end(word).kind(may_be_empty=True) is CallKind.ANSWERED


@pytest.mark.parametrize("word", REFUSED)
def test_what_a_filter_left_nothing_of_is_an_answer_unless_the_route_asks_elsewhere(word) -> None:
    assert end(word).kind() is CallKind.ANSWERED
    for may_be_empty in (False, True):
        ended = end(word).kind(takes_content_elsewhere=True, may_be_empty=may_be_empty)
        assert ended is CallKind.CONTENT_REFUSED
    shown = end(word, is_empty=False)
    assert shown.kind(takes_content_elsewhere=True) is CallKind.ANSWERED


@pytest.mark.parametrize(
    "word", ["length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length"]
)
@pytest.mark.parametrize(
    ("has_limit", "tokens", "kind"),
    [
        (True, 50, CallKind.ANSWERED),
        (True, None, CallKind.ANSWERED),
        (True, 0, CallKind.EMPTY_ANSWER),
        (False, 50, CallKind.EMPTY_ANSWER),
        (False, None, CallKind.EMPTY_ANSWER),
    ],
)
def test_nothing_at_a_limit_is_an_answer_if_the_limit_was_the_callers(
    word, has_limit, tokens, kind
) -> None:
    assert end(word, has_limit=has_limit, output_tokens=tokens).kind() is kind


@pytest.mark.parametrize(
    ("said", "usual"),
    [
        ("STOP", "stop"), ("eos_token", "stop"), ("end_turn", "stop"), ("COMPLETE", "stop"),
        ("natural_stop", "stop"), ("eot", "stop"), ("tool-calls", "tool_calls"),
        ("copyright", "content_filter"), ("FINISH_REASON_STOP", "stop"), ("endoftext", "stop"),
        ("STOP_SEQUENCE_REACHED", "stop"), ("FINISH_REASON_TOOL_CALLS", "tool_calls"),
        ("MAX_TOKENS", "length"), ("model_length", "length"), ("max_new_tokens", "length"),
        ("model_context_window_exceeded", "length"), ("token_limit", "length"),
        ("tool_use", "tool_calls"), ("TOOL_CALL", "tool_calls"), ("toolUse", "tool_calls"),
        ("sensitive", "content_filter"), ("SAFETY", "content_filter"),
        ("network_error", "network_error"), ("ERROR_LIMIT", "ERROR_LIMIT"),
        ("rate_limit", "rate_limit"), ("preempted", "preempted"), ("oom", "oom"),
        ("terminated", "terminated"), ("throttled", "throttled"), ("expired", "expired"),
        ("OTHER", "OTHER"), ("pause_turn", "pause_turn"),
        ("stop_string", "stop"), ("stop_token_ids", "stop"), ("out_of_tokens", "length"),
        ("repetition_truncation", "length"), ("flagged", "content_filter"),
        ("banned", "content_filter"), ("deadline_exceeded", "deadline_exceeded"),
        ("kv_cache_full", "kv_cache_full"), ("evicted", "evicted"),
    ],
)  # fmt: skip
def test_an_end_is_told_in_the_usual_word_if_there_is_one(said: str, usual: str) -> None:
    assert usual_end(said) == usual


@pytest.mark.parametrize(
    "word", ["preempted", "oom", "out_of_memory", "terminated", "throttled", "expired", "quota"]
)
def test_what_the_provider_lacked_is_a_failure(word: str) -> None:
    assert end(word, is_empty=False).kind() is CallKind.SERVER_ERROR
