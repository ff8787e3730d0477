"""What the next words of a conversation say of the answer before them."""

from __future__ import annotations

import json
import re
from typing import Any

REPAIRS = r"""
no[,.!]?\ (that|this|it|you|i\ |not|eso|esto|está|non|è)
that['’]?s\ (not|wrong|incorrect)
not\ what\ i
(this|that|it)\ (is|was)\ (wrong|not\ (right|correct|what)|incorrect)
you\ (mis|did\ ?n[o'’]t|forgot|missed|ignored)
(it|this|that)\ (still\ )?(does|did)\ ?n[o'’]?t\ work
still\ (not|wrong|the\ same|fails|broken)
(wrong|incorrect|try\ again|are\ you\ sure)\b
i\ (said|asked|meant)\b
i\ did\ ?n[o'’]t\ (ask|mean|say)
(please\ )?(fix|correct|redo)\ (it|this|that|your)
nein[,.!]
das\ (ist|war)\ (falsch|nicht)
das\ stimmt\ nicht
(falsch|noch\ ?mal|so\ nicht|errado)\b
non[,.!]\s
ce\ n['’]est\ pas
c['’]est\ faux
eso\ (no|está\ mal)
(está|es)\ incorrecto
não[,.!]
isso\ (não|está\ errado)
(è\ )?sbagliato
нет[,.!]
неправильно
不对|不對|错了|違います|違う|아니
"""
"""How people begin who put an answer right, one a line."""

REPAIR = re.compile(rf"^\W*(?:{'|'.join(REPAIRS.strip().splitlines())})", re.IGNORECASE)

FAILURES = (
    "error", "exception", "traceback", r"failed\b", "failure", "fatal", "unauthorized", "forbidden",
    "not found", "timeout", "timed out", "invalid (argument|input|parameter|request)",
    "permission denied", r"\w*(error|exception):",
)  # fmt: skip
FAILURE = re.compile(rf"^\W*({'|'.join(FAILURES)})", re.IGNORECASE)
"""How results of tools begin that failed."""

BEGINNING = 200
"""Characters of a text by which either is told."""

FAILED = {"error", "failed", "failure", "exception"}
"""Values of `status` of a tool's result."""


def repairs(text: str) -> bool:
    """True if a person's words put the answer before them right."""
    return REPAIR.match(text.lstrip()[:BEGINNING]) is not None


def tool_failed(content: str) -> bool:
    """True if a tool's result says that the call failed."""
    text = content.strip()
    if text[:1] == "{":
        try:
            return _says_error(json.loads(text))
        except (ValueError, RecursionError):
            return False
    return FAILURE.match(text[:BEGINNING]) is not None


def _says_error(result: Any) -> bool:
    if not isinstance(result, dict):
        return False
    is_flagged = result.get("is_error") is True or result.get("isError") is True
    is_off = result.get("ok") is False or result.get("success") is False
    status = str(result.get("status") or "").lower()
    return is_flagged or is_off or bool(result.get("error")) or status in FAILED


def same_question(text: str) -> str:
    """A question without what does not change it: case, spaces, marks at its ends."""
    return " ".join(text.lower().split()).strip(" .,;:!?\"'¿¡。？！")
