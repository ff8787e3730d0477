"""What an answer in OpenAI's shape has to show, and the errors that stand where an answer should.

Messages and the deltas of a stream are of one shape.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import orjson

from windsock.core.evidence.answer_ends import has_failed, has_refused, usual_end
from windsock.wire.formats.openai_usage import part_of
from windsock.wire.formats.thought_tags import bare, shown_of

TAG_ENDS = frozenset(">]▷ \n")
"""How a text ends that may be nothing but thoughts between tags."""

BESIDE = "provider_specific_fields"
"""Where LiteLLM puts what it has no field for."""

NATIVE_END = "native_finish_reason"
"""The word of who answered a gateway."""

NO_END = ("", "null")
"""Words for what goes on."""

SHOWN = ("function_call", "audio", "images", "image", "video", "files")
"""Fields of a message beside its text that are an answer."""

ERROR_PLACES = (("delta", "error"), ("message", BESIDE))
"""Of a choice, beside its own."""

ANSWERS = ("choices", "data", "output", "results", "candidates", "content", "text", "delta")
"""Of an answer or a part of one, whatever its format."""

COMPLAINTS = re.compile(r"(?:\w*(?:message|msg)|detail|faultstring)", re.IGNORECASE)
"""Names under which an error that is no object of its own says what is wrong."""

CODES = re.compile(r"(?:\w*(?:code|errno)|ret|status)", re.IGNORECASE)
"""Names of a part's number that says whether it is an error."""

MAX_NAME = 60
WELL = frozenset({0, 200, "0", "200", "OK", "ok", "success", "Success", True, None})
"""What says that it is none."""

SIGNS = re.compile(
    r"\w*(?:code|errno)|base_resp|choices|detail|err(?:or)?_?(?:msg|message)|errors?|ret",
    re.IGNORECASE,
)
"""Of an error, or of an answer that may hold one."""

THOUGHT = ("reasoning_content", "reasoning", "reasoning_text", "reasoning_details", "thinking",
           "thinking_blocks")  # fmt: skip
"""Fields and kinds of parts that are reasoning."""


def shows(message: Mapping[str, Any]) -> bool:
    """Whether there is text, a refusal, a tool call, an image or a sound; reasoning is nothing."""
    texts = (message.get("content"), message.get("refusal"), message.get("text"))
    if any(map(_is_shown, texts)) or any(_is_said(message.get(name)) for name in SHOWN):
        return True
    calls = message.get("tool_calls")
    return isinstance(calls, list) and any(map(_is_call, calls))


def shown_in(choice: Mapping[str, Any], message: Mapping[str, Any]) -> bool:
    """The same of a choice, whose filter may have left its own words in place of the model's."""
    if message.get("refusal") and has_refused(finish_in(choice) or ""):
        message = {**message, "refusal": None}
    return shows(message)


def _is_call(call: Any) -> bool:
    """Whether it names what it calls; what is no function's may be told in words of its own."""
    if not isinstance(call, dict):
        return False
    own = call.get("function", call.get("custom"))
    if isinstance(own, list):
        return _is_said(own)
    is_other = call.get("type") not in (None, "", "function", "custom")
    names = call.get("name"), own.get("name") if isinstance(own, dict) else None
    return is_other or any(isinstance(each, str) and each for each in names)


def thinks(message: Mapping[str, Any]) -> bool:
    """Whether there is reasoning."""
    parts = message.get("content")
    return any(message.get(name) for name in THOUGHT) or (
        isinstance(parts, list) and any(map(_is_thought, parts))
    )


def choices_in(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The choices of an answer or a chunk that have their shape."""
    choices = body.get("choices")
    return [each for each in choices if isinstance(each, dict)] if isinstance(choices, list) else []


def finish_in(choice: Mapping[str, Any]) -> str | None:
    """Why a choice ended; None while it goes on, which some write as the word "null".

    A gateway may call an end by the usual word that its own provider called a failure or a refusal.
    """
    word = choice.get("finish_reason")
    if not isinstance(word, str) or word in NO_END:
        word = _word(word) or _word(choice.get("finishReason"))
    is_plain = NATIVE_END not in choice and BESIDE not in choice
    if word is None or (is_plain and BESIDE not in (choice.get("message") or ())):
        return word
    apart = part_of(choice, BESIDE), part_of(part_of(choice, "message"), BESIDE)
    owns = (_word(part.get(NATIVE_END)) for part in (choice, *apart))
    return next((own for own in owns if own and (has_failed(own) or has_refused(own))), word)


def _word(value: Any) -> str | None:
    """SGLang has an object, whose type is the word."""
    value = value.get("type") if isinstance(value, dict) else value
    return value if isinstance(value, str) and value not in NO_END else None


def finish_of(choices: list[dict[str, Any]]) -> str | None:
    """Why the answer ended, in the usual word if there is one: that one of its choices failed goes
    before how the first one ended."""
    words = [word for each in choices if (word := finish_in(each)) is not None]
    return next(filter(has_failed, words), usual_end(words[0]) if words else None)


def certainty_of(choice: Mapping[str, Any]) -> float | None:
    """The mean probability of an answer's tokens, 0..1, where logprobs were asked for and given.

    A claim, not a rate: what it is worth is learnt from feedback.
    """
    tokens = part_of(choice, "logprobs").get("content")
    values = [
        value
        for token in (tokens if isinstance(tokens, list) else ())
        if isinstance(token, dict) and isinstance(value := token.get("logprob"), int | float)
    ]
    return math.exp(min(0.0, sum(values) / len(values))) if values else None


def error_in(body: Any) -> bytes | None:
    """The error that an answer or an event is, or holds, as an object of its own; None if none."""
    for each in body if isinstance(body, list) else [body]:
        if isinstance(each, dict) and (found := error_beside(each, choices_in(each))) is not None:
            return found
    return None


def error_beside(body: dict[str, Any], choices: list[dict[str, Any]]) -> bytes | None:
    """The same of one object, whose choices are known."""
    if body.get("object") == "error" or body.get("type") == "error":
        return orjson.dumps(body if "error" not in body else {"error": body["error"]})
    for part in (body, *choices):
        if "error" in part and _is_said(part["error"]):
            return orjson.dumps({"error": part["error"]})
    for each in choices:
        for place, name in ERROR_PLACES:
            inner = each.get(place)
            if isinstance(inner, dict) and name in inner and (said := _error_in(inner, name)):
                return orjson.dumps({"error": said})
    return None if choices or not _complains(body) else orjson.dumps(body)


def _error_in(part: dict[str, Any], name: str) -> Any:
    """What stands there, or in LiteLLM's object there; None if nothing is said."""
    said = part[name] if name == "error" else part_of(part, name).get("error")
    return said if _is_said(said) else None


def _complains(body: dict[str, Any]) -> bool:
    """It has nothing of an answer, but words of what is wrong: so answer Cloudflare and others."""
    if any(body.get(name) for name in ANSWERS):
        return False
    ended = body.get("base_resp")
    if isinstance(ended, dict) and ended.get("status_code"):
        return True
    if any(isinstance(body.get(name), list) and body[name] for name in ("errors", "detail")):
        return True
    return _has_words(body) or any(map(_is_fault, body.values()))


def _has_words(part: dict[str, Any]) -> bool:
    return any(
        isinstance(said, str) and said and _is_called(COMPLAINTS, name)
        for name, said in part.items()
    )


def _is_fault(part: Any) -> bool:
    """A part that says what is wrong, and by a code that something is; or holds one that does."""
    if not isinstance(part, dict):
        return False
    if _is_said(part.get("error") or part.get("Error")):
        return True
    codes = [part[name] for name in part if _is_called(CODES, name)]
    has_failed_code = any(isinstance(code, str | int) and code not in WELL for code in codes)
    return _has_words(part) and (has_failed_code or "faultstring" in part)


def _is_called(names: re.Pattern[str], name: str) -> bool:
    return len(name) <= MAX_NAME and names.fullmatch(name) is not None


def error_in_event(body: Any) -> bytes | None:
    """The same of an event; one that has words, but no sign that they complain, is a remark."""
    found = error_in(body)
    if found is None or not isinstance(body, dict):
        return found
    if "error" in (body.get("object"), body.get("type")) or any(map(_is_fault, body.values())):
        return found
    is_sign = body.get("success") is False or any(_is_called(SIGNS, name) for name in body)
    return found if is_sign else None


def named_error(said: Any) -> dict[str, Any]:
    """What an event says that is an error by its name, as one."""
    return said if isinstance(said, dict) and "error" in said else {"error": said or "error"}


def _is_said(value: Any) -> bool:
    """It is neither nothing nor an object or a list of nothing but nothing."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
        elif each:
            return True
    return False


def _is_shown(content: Any) -> bool:
    if isinstance(content, str):
        if content[:1].isalnum() and content[-1:] not in TAG_ENDS:
            return True
        return bool(bare(shown_of(content)))
    return isinstance(content, list) and any(map(_is_part_shown, content))


def _is_part_shown(part: Any) -> bool:
    if not isinstance(part, dict):
        return _is_shown(part)
    if _is_thought(part):
        return False
    texts = [part[name] for name in ("text", "refusal") if isinstance(part.get(name), str)]
    return any(map(_is_shown, texts)) if texts else part.get("type") not in (None, "text")


def _is_thought(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in (*THOUGHT, "redacted_thinking")
