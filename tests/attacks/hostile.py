"""Requests as nobody means them: hostile JSON, query strings, headers and framing, by chance."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from hypothesis import strategies as st

TURNS = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]
FUNCTION = {
    "name": "look",
    "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
}
WISHES = {
    "only": ["acme", "bolt/m"], "ignore": [], "order": ["bolt"], "sort": {"by": "price"},
    "max_price": {"prompt": 9, "completion": "90"}, "preferred_max_latency": {"p50": 5},
    "allow_fallbacks": True, "require_parameters": False, "data_collection": "allow",
}  # fmt: skip
COMMON = {
    "model": "auto", "models": ["lone"], "metadata": {"task": "sql", "user_id": "u"},
    "provider": WISHES, "session_id": "s", "temperature": 1, "top_p": 0.5, "max_tokens": 9,
    "stream": False,
}  # fmt: skip
CHAT = COMMON | {
    "messages": TURNS, "n": 1, "seed": 7, "stop": ["."], "user": "u", "service_tier": "auto",
    "tools": [{"type": "function", "function": FUNCTION}], "tool_choice": "auto",
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
    "logit_bias": {"50": 1}, "stream_options": {"include_usage": True}, "conversation": {"id": "c"},
    "max_completion_tokens": 9, "web_search_options": {"search_context_size": "low"},
    "reasoning": {"effort": "low", "max_tokens": 5}, "usage": {"include": True}, "transforms": [],
    "route": "fallback", "previous_response_id": "r", "prompt_cache_key": "k", "logprobs": False,
    "frequency_penalty": 0.1, "modalities": ["text"],
}  # fmt: skip
NAMED = {"name": "auto", "model": "auto", "lesson": "9"}
"""In the place of names in paths."""

MODELS = ("auto", "auto", "lone", "anthropic", "google-native", "bedrock", "acme/m", "m")
RULING = {"deployment": "acme/m", "feed": "litellm"}
MEANT: Mapping[str, dict[str, Any]] = {
    "/v1/chat/completions": CHAT,
    "/v1/route": CHAT,
    "/v1/messages": COMMON | {
        "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}], "top_k": 5,
        "tool_choice": {"type": "auto"}, "stop_sequences": ["."], "max_tokens": 9,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    },
    "/v1/responses": COMMON | {
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "instructions": "be brief", "max_output_tokens": 9, "reasoning": {"effort": "low"},
        "tools": [{"type": "function", "name": "look", "parameters": {}}], "include": [],
        "text": {"format": {"type": "text"}}, "store": False, "previous_response_id": None,
    },
    "/v1/completions": COMMON | {"prompt": "hi", "echo": False, "suffix": "", "best_of": 1},
    "/v1/embeddings": COMMON | {"input": ["a", "b"], "dimensions": 8, "encoding_format": "float"},
    "/v1/feedback": {
        "decision_id": "none", "value": 1, "metric": "m", "source": "explicit", "score": 0.5,
    },
    "/v1/whatif": {
        "prices": {"acme/m": {"input": 0.1, "output": 2}}, "route": "auto", "task": "sql",
    },
    "/v1/learn": {
        "route": "nowhere", "strength": 5,
        "results": [{"task": "sql", "deployment": "acme/m", "success": 0.5, "count": 9}],
    },
    **{
        f"/v1beta/models/{{model}}:{call}": {
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            "systemInstruction": {"parts": [{"text": "be brief"}]},
            "generationConfig": {"temperature": 1, "maxOutputTokens": 9, "stopSequences": ["."]},
            "tools": [{"functionDeclarations": [{"name": "look", "parameters": {}}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}, "safetySettings": [],
        }
        for call in ("generateContent", "streamGenerateContent", "countTokens")
    },
    "/v1/alarms/undo": {"route": "auto", "deployment": "acme/m"},
    "/v1/prices/quarantine/approve": RULING,
    "/v1/prices/quarantine/reject": RULING,
}  # fmt: skip
"""A body that is meant, by path; from it one is made that is not."""

BESIDE = (
    "/", "/docs", "/nowhere", "/v1", "/v1/chat/completions/x", "/ui/api/history", "/ui/static/x",
    "/openai/deployments/auto/chat/completions", "/api/v1/models", "/v1beta/models/auto",
    "/v1/models/%2e%2e%2f", "/v1/decisions/%00", "/ui/static/..%2fapp.js", "//", "/%ff",
    "/v1/learn/99999999999999999999", "/openai/deployments/%ff/chat/completions",
)  # fmt: skip
"""Paths that no document names."""


class Raw(bytes):
    """A piece of JSON, or of what looks like it, as it is sent."""


NUMBERS = (
    "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "-0", "0", "-1", "1.5", "01",
    "9" * 25, "-" + "9" * 25, str(2**31), str(2**63), str(2**64), "1" + "0" * 400, "7" * 5000,
    "7" * 100_000, "0." + "3" * 100_000, "1e999999999", "1e-999999999", "+1", "0x10", ".5",
    "1_000",
)  # fmt: skip
TEXTS = (
    "", " ", "auto", "acme/m", "\0", "a" * 127, "é" * 128, "a" * 129, "a" * 5000, "../../etc",
    "a\r\nx: y", "\u202e", "#1.0", "c#", "*", "%00", "sk-ws-x", "NaN", "1e5", "low", "🙂" * 200,
    "${HOME}", "{{7*7}}", "' or 1=1 --", "<script>", "\x7f", "\u2028", "😀#1.1",
)  # fmt: skip
BROKEN = (
    b'"\\ud800"', b'"\\udfff\\ud800"', b'"\xff"', b'"\xc3"', b'"\xed\xa0\x80"', b'"\\x"', b'"a',
    b"'a'", b"", b"nul", b"{", b"[1,]", b'{"a":1,}', b"/**/1", b"\xef\xbb\xbf1", b'"\n"',
    b'{"task": "a", "task": "b"}', b'{"a": 1} {', b'"\\u0000"',
)  # fmt: skip
DEEP = tuple(
    Raw(begin * depth + inner + end * depth)
    for depth in (100, 1000, 50_000)
    for begin, inner, end in ((b"[", b"", b"]"), (b'{"a":', b"1", b"}"), (b"[[", b"", b"]]"))
)

values = st.one_of(
    st.sampled_from(NUMBERS).map(lambda text: Raw(text.encode())),
    st.sampled_from(TEXTS),
    st.sampled_from(BROKEN).map(Raw),
    st.sampled_from(DEEP),
    st.sampled_from([None, True, False, [], {}, [[]], [None], {"": ""}, [{}], ["a", 1], {"a": {}}]),
    st.just(Raw(b'"' + b"a" * 900_000 + b'"')),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
        ),
        max_leaves=6,
    ),
)
"""What stands where something else is meant."""


def written(value: Any) -> bytes:
    """As JSON, with pieces as they are."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, dict):
        return b"{" + b",".join(written(k) + b":" + written(v) for k, v in value.items()) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(written, value)) + b"]"
    return json.dumps(value).encode()


def paths_of(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a body, the whole first."""
    found = [place]
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for name, each in inner:
            found += paths_of(each, (*place, name))
    return found


def put(value: Any, place: Sequence[Any], new: Any) -> Any:
    """The same with something else at this place."""
    if not place:
        return new
    name, *rest = place
    if isinstance(value, dict):
        return {**value, name: put(value.get(name), rest, new)}
    if isinstance(value, list):
        return [put(each, rest, new) if at == name else each for at, each in enumerate(value)]
    return new


@st.composite
def bodies(draw: st.DrawFn, path: str) -> bytes:
    """Of a call: what is meant, with up to three places that are not; or anything at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.one_of(st.binary(max_size=200), values.map(written)))
    meant = MEANT.get(path, CHAT)
    kept = draw(st.sets(st.sampled_from(sorted(meant)), max_size=8))
    least = {"model", "messages", "input", "prompt", "decision_id", "value", "prices", "route",
             "results", "deployment", "feed", "max_tokens", "contents"}  # fmt: skip
    body: Any = {name: each for name, each in meant.items() if name in kept | least}
    if "model" in body:
        body["model"] = draw(st.sampled_from(MODELS))
    for _ in range(draw(st.integers(0, 3))):
        body = put(body, draw(st.sampled_from(paths_of(body))), draw(values))
    return written(body)


NAMES = (
    "authorization", "x-api-key", "x-windsock-task", "x-windsock-timeout", "x-windsock-cache",
    "session-id", "session_id", "x-session-id", "idempotency-key", "content-type", "accept",
    "content-encoding", "anthropic-version", "x-claude-code-session-id", "origin", "range",
    "x-forwarded-for", "if-none-match", "expect", "te", "upgrade", "cookie",
)  # fmt: skip
ODD = (
    b"", b"nan", b"-1", b"1e400", b"inf", b"0", b"9" * 400, b"\xff\xfe", b"gzip", b"deflate",
    b"br", b"text/plain", b"a" * 129, b"a" * 20_000, b"100-continue", b"h2c", b"Bearer ",
    b"Bearer \xff", b"*", b"bytes=0-", b"multipart/form-data", b"\t", b"refresh", b"sql",
)  # fmt: skip

headers = st.lists(
    st.tuples(st.sampled_from(NAMES), st.one_of(st.sampled_from(ODD), st.binary(max_size=30))),
    max_size=3,
)

ASKED = (
    "key,key", "task,", ",", "auto", "acme/m", "-1", "0", "nan", "inf", "-inf", "1e400", "1e20",
    "9" * 400, "9" * 5000, "true", "price", "1h", "now", "%", "\0", "é", "a" * 129, "key,route",
    "[]", "task;drop", "2026-01-01",
)  # fmt: skip


def queries(names: Sequence[str]) -> st.SearchStrategy[str]:
    """Of a call that has these parameters, and of none."""
    values = st.one_of(st.sampled_from(ASKED), st.text(max_size=9))
    pairs = st.lists(st.tuples(st.sampled_from((*names, "x")), values), max_size=3)
    return pairs.map(
        lambda asked: "&".join(f"{name}={quote(each, errors='replace')}" for name, each in asked)
    )


@dataclass(frozen=True)
class Place:
    """A call as the service documents it: where, by which method, with which parameters."""

    method: str
    path: str
    names: tuple[str, ...] = ()


def places_in(document: Mapping[str, Any]) -> list[Place]:
    """Every call of an OpenAPI document; those with a body more often, they can be more wrong."""
    found = []
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            names = tuple(p["name"] for p in call.get("parameters", ()) if p["in"] == "query")
            found += [Place(method.upper(), path, names)] * (3 if path in MEANT else 1)
    return found


@dataclass(frozen=True)
class Sent:
    """A request as bytes, and what it is."""

    method: str
    path: str
    data: bytes

    @property
    def is_open_ended(self) -> bool:
        """An event stream, or a body whose end may not come: nothing more is waited for."""
        return "stream" in self.path or b"\r\ntransfer-encoding" in self.data

    def __repr__(self) -> str:
        return f"{self.data[:600]!r}... ({len(self.data)} bytes)"


@st.composite
def requests(draw: st.DrawFn, known: Sequence[Place], key: str) -> Sent:
    """To one of these places, now and then to another, mostly with the key."""
    place = draw(st.sampled_from(known))
    method, path = place.method, place.path
    if draw(st.integers(0, 9)) == 0:
        path = draw(st.sampled_from(BESIDE))
    if draw(st.integers(0, 9)) == 0:
        method = draw(st.sampled_from(("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")))
    target = re.sub(r"{(\w+)}", lambda named: NAMED.get(named[1], "none"), path)
    query = draw(queries(place.names))
    lines = [f"{method} {target}{'?' + query if query else ''} HTTP/1.1".encode(), b"host: x"]
    own = draw(headers)
    if draw(st.integers(0, 19)):
        lines.append(f"authorization: {key}".encode())
    lines += [name.encode() + b": " + value for name, value in own]
    body = draw(bodies(path)) if method not in ("GET", "HEAD") or draw(st.booleans()) else b""
    lines += [b"connection: close", *draw(framings(body))]
    head, framed = lines[:-1], lines[-1]
    return Sent(method, path, b"\r\n".join([*head, b"", framed]))


@st.composite
def framings(draw: st.DrawFn, body: bytes) -> list[bytes]:
    """Lines of a head, and the body as it is sent after it."""
    match draw(st.integers(0, 19)):
        case 0:
            return [b"transfer-encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)]
        case 1:
            return [b"content-length: %d" % max(0, len(body) - 3), body]
        case 2:
            return [b"content-length: %d" % max(0, len(body) - 5), body]
        case 3:
            return [b"content-length: 5", b"transfer-encoding: chunked", body]
        case 4:
            return [b"transfer-encoding: chunked", body]
    return [b"content-length: %d" % len(body), body] if body else [b""]


def said(url: str, sent: Sent, *, seconds: float = 5.0) -> bytes:
    """What is answered: the head, and the body as far as it comes at once."""
    parts = urlsplit(url)
    heard = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=seconds) as client:
        try:
            client.sendall(sent.data)
            if sent.is_open_ended:
                client.settimeout(0.05)
            while b"\r\n\r\n" not in heard or not _is_whole(heard):
                part = client.recv(65_536)
                if not part:
                    break
                heard += part
        except (TimeoutError, ConnectionError):
            pass
    return heard


def _is_whole(heard: bytes) -> bool:
    """The body that the head states is there; one without a length is not waited for."""
    head, _, body = heard.partition(b"\r\n\r\n")
    if head.split(b" ", 2)[1:2] == [b"100"]:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return b"\r\n" in body
