"""What Gemini answers, whole or in parts, in the terms of chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from windsock.core.evidence.answer_ends import has_refused
from windsock.wire.formats.gemini.call_ids import made_id
from windsock.wire.formats.openai_usage import part_of
from windsock.wire.formats.pieces import signed
from windsock.wire.formats.usage.fields import count, count_of_modality
from windsock.wire.service_tiers import answered_tier

STOPS = {"STOP": "stop", "MAX_TOKENS": "length"}
UNKNOWN_LANGUAGE = "LANGUAGE"
"""An answer withheld since it is in one that is not spoken there."""


def completion_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer as a chat completion."""
    choices = [each | {"logprobs": None} for each in choices_of(body, "message")]
    for each in choices:
        each["message"] = {"refusal": None, **each["message"]}
    made = {**head_of(body, "chat.completion"), "choices": choices}
    counted = part_of(body, "usageMetadata")
    return made | ({"usage": usage_of(counted)} if counted else {})


def head_of(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What every answer and chunk says of itself."""
    return {
        "id": body.get("responseId"),
        "object": kind,
        "created": 0,
        "model": body.get("modelVersion"),
    }


def choices_of(body: Mapping[str, Any], place: str) -> list[dict[str, Any]]:
    """One for each candidate, said in `place`: message or delta. A blocked prompt has one too."""
    found = [each for each in body.get("candidates") or () if isinstance(each, dict)]
    blocked = part_of(body, "promptFeedback").get("blockReason")
    if not found and blocked:
        refusal = {"role": "assistant", "content": None, "refusal": f"blocked: {blocked}"}
        return [{"index": 0, place: refusal, "finish_reason": "content_filter"}]
    return [_choice(each, number, place) for number, each in enumerate(found)]


def usage_of(counted: Mapping[str, Any]) -> dict[str, Any]:
    """As OpenAI counts: thoughts are part of the answer, what a cache gave, of the prompt."""
    prompt = _count(counted, "promptTokenCount") + _count(counted, "toolUsePromptTokenCount")
    thoughts = _count(counted, "thoughtsTokenCount")
    answer = _count(counted, "candidatesTokenCount") + thoughts
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": max(prompt + answer, _count(counted, "totalTokenCount")),
        "prompt_tokens_details": {
            "cached_tokens": _cached(counted),
            "audio_tokens": _heard(counted, "promptTokensDetails"),
            "cached_tokens_details": {"audio_tokens": _heard(counted, "cacheTokensDetails")},
        },
        "completion_tokens_details": {
            "reasoning_tokens": thoughts,
            "audio_tokens": _heard(counted, "candidatesTokensDetails"),
        },
        **answered_tier({"usageMetadata": counted}),
    }


def _count(counted: Mapping[str, Any], name: str) -> int:
    return count(counted.get(name)) or 0


def _cached(counted: Mapping[str, Any]) -> int:
    """What its parts add up to where nothing else tells it."""
    parts = [counted.get("cacheTokensDetails")]
    return _count(counted, "cachedContentTokenCount") or count_of_modality(parts)


def _heard(counted: Mapping[str, Any], name: str) -> int:
    return count_of_modality([counted.get(name)], "AUDIO")


def _choice(candidate: Mapping[str, Any], number: int, place: str) -> dict[str, Any]:
    parts = part_of(candidate, "content").get("parts") or ()
    said = _said([each for each in parts if isinstance(each, dict)])
    index = candidate.get("index")
    return {
        "index": index if isinstance(index, int) else number,
        place: {"role": "assistant", **said},
        "finish_reason": _finish(candidate.get("finishReason"), has_calls="tool_calls" in said),
    }


def _finish(reason: Any, *, has_calls: bool) -> str | None:
    if not isinstance(reason, str):
        return None
    if reason == UNKNOWN_LANGUAGE or has_refused(reason):
        return "content_filter"
    return "tool_calls" if reason == "STOP" and has_calls else STOPS.get(reason, reason.lower())


def _said(parts: list[dict[str, Any]]) -> dict[str, Any]:
    texts = [
        part["text"]
        for part in parts
        if isinstance(part.get("text"), str) and not part.get("thought")
    ]
    thoughts = [str(part.get("text", "")) for part in parts if part.get("thought")]
    calls = [part for part in parts if isinstance(part.get("functionCall"), dict)]
    images = [
        _image(part["inlineData"]) for part in parts if isinstance(part.get("inlineData"), dict)
    ]
    return {
        "content": "".join(texts) if texts else None,
        **({"reasoning_content": "".join(thoughts)} if thoughts else {}),
        **({"tool_calls": [_call(part, n) for n, part in enumerate(calls)]} if calls else {}),
        **({"images": images} if images else {}),
    }


def _image(data: Mapping[str, Any]) -> dict[str, Any]:
    url = f"data:{data.get('mimeType')};base64,{data.get('data')}"
    return {"type": "image_url", "image_url": {"url": url}}


def _call(part: Mapping[str, Any], number: int) -> dict[str, Any]:
    """One call; Gemini seldom names it, so its place does."""
    asked = part["functionCall"]
    function = {
        "name": asked.get("name"),
        "arguments": orjson.dumps(asked.get("args") or {}).decode(),
    }
    call = {
        "id": asked.get("id") or made_id(number, asked.get("name")),
        "type": "function",
        "function": function,
    }
    return signed(call, part.get("thoughtSignature"))
