"""What an error says of itself, whatever its shape: codes, words, the field it names.

Providers nest errors in lists, in objects and in texts that are JSON again, and name the same thing
`code`, `type`, `status` or `reason`. So nothing here knows a shape: every value counts by its key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from windsock.wire.json_codec import parsed
from windsock.wire.upstream_errors.bodies import body_of, pieces_of

CODES = re.compile(
    r"\w*(?:code|errno)|_*(?:error|exception)?type|(?:http|grpc)?status|reason"
    r"|blockreason"
)
WORDS = re.compile(r"\w*(?:message|msg|details?|faultstring)|errors?|title|raw|description|body")
"""Names of fields, in small letters and without what joins their words."""

FIELDS = frozenset({"param", "loc"})
ECHOES = frozenset(
    {"input", "flagged_input", "failed_generation", "content_filter_result", "stack", "links"}
)
"""Keys below which stands what the caller sent, or nothing of use."""

SAYING, NAMING = frozenset({"message", "msg", "detail"}), frozenset({"code", "type", "status"})
"""Keys of which an error has one of each where nothing else says that it is one."""

FLAGGED = ("flagged_input", "blockReason")
"""Keys of what a filter found in a request; that they are there says what happened."""

DEEPEST = 8
MAX_BYTES = 64 * 1024
MAX_VALUES = 400
MAX_TEXT = 4096
"""Characters of all sentences together that are looked at."""
CODE_CHARACTERS = 100
MAX_KEY = 60
MAX_CODES = 500
"""Characters of all codes together that are read as words."""

TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)
MARKUP = re.compile(
    r"^\s*<(?:!doctype|html|head|body|\?xml)|^error code: \d{3,4}\s*$", re.IGNORECASE
)
"""A page, or the line that Cloudflare sends in its place."""

JSON_IN_TEXT = re.compile(r"""\[?\s{0,20}\{\s{0,20}["']""")
"""Where an object begins in a text."""

CODE_AFTER = re.compile(r"\((\d{4,6})\)\s*$")
"""A code of four digits or more that ends a sentence in brackets, as MiniMax writes its own."""

BEFORE_ERRORS = re.compile(r"(?:error|exception|failed|response|returned|\d{3})\W{0,4}$", re.I)
"""What a gateway writes before an error that more of its words follow; callers' JSON is quoted so
as well."""

LONGEST_LEAD = 20

STATUS = re.compile(r"[45]\d\d")
JOINTS = re.compile(r"[_.-](?=.)")
BETWEEN_WORDS = re.compile(r"[_.-]|(?<=[a-z])(?=[A-Z])")
NOT_IN_CODES = re.compile(r"[^a-z0-9]+")


@dataclass(slots=True, kw_only=True)
class ErrorFacts:
    """What was read of one error.

    status      of the answer, else as the error itself says; None: neither says
    codes       its codes, types, statuses and reasons, as `code_name` writes them
    stated      the same as it states them itself
    words       its sentences, the outermost first
    param       field of the request that it names; empty if none
    numbers     other values by key, in lower case, for delays; the first of each
    is_page     it is a page for people: somebody before the provider wrote it
    """

    status: int | None = None
    codes: set[str] = field(default_factory=set)
    stated: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    param: str = ""
    numbers: dict[str, str | float] = field(default_factory=dict)
    is_page: bool = False

    @property
    def text(self) -> str:
        """Its sentences, in lower case."""
        return "\n".join(self.words)[:MAX_TEXT].lower()

    @property
    def code_words(self) -> str:
        """Its codes as the words they are made of: `ModelNotOpen` and `model_not_open` alike."""
        stated = "\n".join(dict.fromkeys(self.stated))[:MAX_CODES]
        return BETWEEN_WORDS.sub(" ", stated).lower()


def is_page(text: str) -> bool:
    """Whether this is a page for people, or what stands for one."""
    return MARKUP.match(text) is not None


def code_name(stated: object) -> str:
    """A code without what differs between styles: case, marks, name space, origin, `ERR_`."""
    text = str(stated).rpartition("#")[2].partition(":")[0].rpartition("/")[2]
    return NOT_IN_CODES.sub("", text.lower().removeprefix("err_"))


def facts_of(status: int | None, raw: bytes, headers: Mapping[str, str]) -> ErrorFacts:
    """Read an error; nothing that a body may hold makes this fail. Header names in lower case."""
    facts = ErrorFacts(status=status)
    raw = raw[:MAX_BYTES]
    body = body_of(raw) if raw else None
    text = raw.decode(errors="replace")
    if isinstance(body, dict | list) or (body := pieces_of(text)):
        for key, value in _values(body):
            _note(facts, key, value)
    else:
        _read_text(facts, text)
    if stated := headers.get("x-amzn-errortype"):
        facts.codes.add(code_name(stated))
        facts.stated.append(stated[:CODE_CHARACTERS])
    return facts


def _values(body: Any) -> Iterator[tuple[str, Any]]:
    """Every value that is no container, with its key in lower case, outermost first."""
    level, left = [("", body)], MAX_VALUES
    for _ in range(DEEPEST):
        deeper: list[tuple[str, Any]] = []
        for key, value in level:
            inner = list(_inside(key, value))
            if not inner and left > 0:
                left -= 1
                yield key, value
            deeper += inner
        level = deeper


def _inside(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What a container holds, or a text that is JSON again, also an error among a gateway's words.

    Other JSON among words is the caller's, which is quoted there: it stays a part of the words.
    """
    if isinstance(value, str) and _is_named(WORDS, key) and (at := JSON_IN_TEXT.search(value)):
        begin, end = at.start(), max(value.rfind("}"), value.rfind("]")) + 1
        end = end if end > begin else len(value)
        before, after = value[:begin].strip(), value[end:].strip()
        is_apart = not after or BEFORE_ERRORS.search(before[-LONGEST_LEAD:]) is not None
        found = _stated_in(value[begin:end]) if is_apart else None
        said = f"{before} {after}".strip()
        if isinstance(found, dict | list) and (not said or _is_error(found)):
            if said:
                yield key, said
            value = found
    if key == "loc" and isinstance(value, list):
        yield "param", ".".join(str(each) for each in value if each != "body")
    elif isinstance(value, list):
        yield from ((key, each) for each in value)
    elif isinstance(value, dict):
        if any(value.get(name) for name in FLAGGED):
            yield "code", FLAGGED[0]
        yield from ((str(k).lower(), v) for k, v in value.items() if str(k).lower() not in ECHOES)


def _stated_in(text: str) -> Any:
    found = parsed(text.encode(errors="surrogatepass"))
    return pieces_of(text) if found is None else found


def _is_named(names: re.Pattern[str], key: str) -> bool:
    return len(key) <= MAX_KEY and names.fullmatch(JOINTS.sub("", key)) is not None


def _is_error(found: Any) -> bool:
    """Whether this has the shape of an error, or is a list with one."""
    return any(_has_shape(each) for each in _listed(found))


def _has_shape(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("error"), dict):
        return True
    told = [value, *_listed(value.get("detail"))]
    return any(
        isinstance(each, dict) and SAYING & each.keys() and NAMING & each.keys() for each in told
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _note(facts: ErrorFacts, key: str, value: Any) -> None:
    """Take one value for what its key says."""
    if isinstance(value, bool) or value in (None, "", "None"):
        return
    if _is_named(CODES, key) and len(str(value)) <= CODE_CHARACTERS:
        if facts.status is None and STATUS.fullmatch(str(value)):
            facts.status = int(value)
        facts.codes.add(code_name(value))
        facts.stated.append(str(value))
    elif key in FIELDS and isinstance(value, str) and not value.isdigit():
        facts.param = facts.param or value
    elif _is_named(WORDS, key) and isinstance(value, str):
        facts.words.append(value)
        if after := CODE_AFTER.search(value[-CODE_CHARACTERS:]):
            facts.codes.add(after[1])
        if len(value) <= CODE_CHARACTERS and " " not in value:
            facts.codes.add(code_name(value))
            facts.stated.append(value)
    elif isinstance(value, int | float | str):
        facts.numbers.setdefault(key, value)


def _read_text(facts: ErrorFacts, text: str) -> None:
    """A body that is no JSON is one sentence; of a page its title is, if it has any."""
    facts.is_page = is_page(text)
    if facts.is_page and text.lstrip().startswith("<"):
        title = TITLE.search(text)
        text = title[1] if title else ""
    if words := " ".join(text.split()):
        facts.words.append(words)
