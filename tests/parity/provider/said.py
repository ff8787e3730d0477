"""What the provider says to each case, in no format: every format tells the same.

A case is named in the prompt, `[[tools]]`; results of tools in the request end it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

CASE = re.compile(r"\[\[([a-z_]+)\]\]")
RESULTS = re.compile(r'"(function_call_output|tool_result|functionResponse)"|"role": ?"tool"')
OBJECT = {"city": "Zürich", "celsius": 21}
LIMITED = {"gpt-4.1-nano", "claude-haiku-4-5", "gemini-2.5-flash-lite"}
"""Models whose rate limit is always used up. The names are real: some clients look them up."""

UNKNOWN = "no-such-model"
KEY = "sk-parity"


@dataclass(frozen=True)
class Call:
    name: str
    arguments: dict[str, Any]
    id: str


@dataclass(frozen=True)
class Used:
    """Tokens: cached ones are no part of fresh ones, reasoning is a part of the output."""

    fresh: int = 120
    cached: int = 40
    output: int = 30
    reasoning: int = 0


@dataclass(frozen=True)
class Said:
    """One answer. finish: stop, length, calls or refusal."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    thought: str = ""
    finish: str = "stop"
    used: Used = Used()


WEATHER = (
    Call("get_weather", {"city": "Zürich"}, "call_zurich"),
    Call("get_weather", {"city": "Bern"}, "call_bern"),
)
SAID = {
    "text": Said("Zürich has 21 degrees, Bern 19. 🌬️"),
    "tools": Said(calls=WEATHER, finish="calls"),
    "spoken_tools": Said("Let me look.", WEATHER, finish="calls"),
    "object": Said(json.dumps(OBJECT, ensure_ascii=False)),
    "thoughts": Said("21 degrees.", thought="The user asks twice.", used=Used(reasoning=8)),
    "length": Said("Zürich has", finish="length"),
    "refusal": Said("I cannot help with that.", finish="refusal"),
    "aider": Said("proof.txt\n```\nwindy\nwindy\n```\n"),
    "done": Said("The tools said it: 21 and 19 degrees."),
}

SHELLS: dict[str, Any] = {
    "exec_command": {"cmd": "echo windy >> proof.txt"},
    "shell": {"command": ["sh", "-c", "echo windy >> proof.txt"]},
    "Bash": {"command": "echo windy >> proof.txt", "description": "write the proof"},
    "bash": {"command": "echo windy >> proof.txt", "description": "write the proof"},
    "run_commands": {"commands": ["echo windy >> proof.txt"]},
    "execute_command": {"command": "echo windy >> proof.txt", "requires_approval": False},
    "run_shell_command": {"command": "echo windy >> proof.txt", "is_background": False},
}
"""What agents call their shell, and how it is asked for the proof that it ran."""


def said(body: dict[str, Any], tools: list[str], *, is_forced: bool) -> Said:
    """The answer to a request that offers these tools.

    is_forced   one of them must be called: so some clients ask for an object
    """
    text = json.dumps(body, ensure_ascii=False)
    named = [name for name in CASE.findall(text) if name in SAID or name == "agent"]
    case = named[-1] if named else "text"
    shell = next((name for name in tools if name in SHELLS), None)
    if RESULTS.search(text):
        return SAID["done"]
    if case == "agent":
        return _agent(shell)
    if case == "object" and tools:
        wanted = next((name for name in tools if name != "get_weather"), tools[0])
        return Said(calls=(Call(wanted, OBJECT, "call_object"),), finish="calls")
    answer = SAID.get(case, SAID["text"])
    return answer if tools or not answer.calls else SAID["text"]


def _agent(shell: str | None) -> Said:
    """Two calls of the agent's shell at once, with a thought before them."""
    if shell is None:
        return SAID["text"]
    calls = tuple(Call(shell, SHELLS[shell], f"call_{n}") for n in (0, 1))
    return Said(calls=calls, thought="let me see", finish="calls", used=Used(reasoning=8))


def is_too_long(body: dict[str, Any]) -> bool:
    return "[[too_long]]" in json.dumps(body)


def pieces(text: str, size: int = 7) -> list[str]:
    """A text as a stream brings it."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def without_calls(answer: Said) -> Said:
    return replace(answer, calls=())
