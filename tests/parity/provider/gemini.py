"""Gemini's generateContent, as its API reference has it."""

from __future__ import annotations

import json
from typing import Any

from tests.parity.provider.said import Said, pieces, said

FINISHES = {"stop": "STOP", "calls": "STOP", "length": "MAX_TOKENS", "refusal": "STOP"}
STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND",
            429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}  # fmt: skip


def answer_of(body: dict[str, Any]) -> Said:
    names = [
        function["name"]
        for tool in body.get("tools") or ()
        for function in tool.get("functionDeclarations") or ()
    ]
    mode = ((body.get("toolConfig") or {}).get("functionCallingConfig") or {}).get("mode", "AUTO")
    return said(body, names, is_forced=mode == "ANY")


def parts(answer: Said) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    if answer.thought:
        made.append({"text": answer.thought, "thought": True})
    if answer.text:
        made.append({"text": answer.text})
    calls = [{"id": each.id, "name": each.name, "args": each.arguments} for each in answer.calls]
    return made + [{"functionCall": each} for each in calls]


def usage(answer: Said) -> dict[str, Any]:
    used = answer.used
    prompt = used.fresh + used.cached
    counted = {
        "promptTokenCount": prompt,
        "cachedContentTokenCount": used.cached,
        "candidatesTokenCount": used.output - used.reasoning,
        "totalTokenCount": prompt + used.output,
    }
    return counted | ({"thoughtsTokenCount": used.reasoning} if used.reasoning else {})


def _answer(model: str, held: list[Any], finish: str | None, used: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": held}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": used, "modelVersion": model,
            "responseId": "parity"}  # fmt: skip


def plain(body: dict[str, Any], model: str) -> dict[str, Any]:
    answer = answer_of(body)
    return _answer(model, parts(answer), FINISHES[answer.finish], usage(answer))


def events(body: dict[str, Any], model: str) -> list[dict[str, Any]]:
    answer = answer_of(body)
    begun = {"promptTokenCount": 160, "totalTokenCount": 160}
    held: list[list[dict[str, Any]]] = []
    for part in parts(answer):
        if "text" in part:
            held += [[{**part, "text": each}] for each in pieces(part["text"])]
        else:
            held.append([part])
    made = [_answer(model, each, None, begun) for each in held[:-1]]
    return [*made, _answer(model, held[-1], FINISHES[answer.finish], usage(answer))]


def error(status: int, message: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "status": STATUSES[status]}}


def sent(each: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(each).encode() + b"\r\n\r\n"
