"""What is asked of the router, and where beliefs about it live."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from windsock.core.model.units import Meter

DEFAULT_NAMESPACE = "default"


DEFAULT_TASK = "default"

BACKGROUND = "windsock:"
"""What the key ids begin with under which windsock asks by itself; no key of a caller's does."""

TAB = "␉"

SEGMENT = re.compile(r"#(\d+\.\d+)\Z")
"""What a name of a task and its segment ends with: `version.index` of the borders."""


OWN = "windsock-"
"""How the tasks of the router's own calls begin."""


class Cell(NamedTuple):
    """Where beliefs live: evidence is never shared between namespaces.

    segment     `version.index` of a learnt segment of the task, empty for the task as a whole
    """

    namespace: str
    route: str
    task: str
    segment: str = ""

    @property
    def name(self) -> str:
        """The task, with its segment if it has one: `sql` or `sql#3.1`, as people see it."""
        return f"{self.task}#{self.segment}" if self.segment else self.task

    @property
    def is_own(self) -> bool:
        """True of the router's own calls, such as probes: nobody waits for their answers."""
        return self.task.startswith(OWN)

    @property
    def stored(self) -> tuple[str, str, str]:
        """(namespace, route, name), as snapshots and rows have it; `read` reads it."""
        return self.namespace, self.route, self.name

    @classmethod
    def read(cls, namespace: str, route: str, name: str) -> Cell:
        """The cell of a `name`. A `#` that no `version.index` follows belongs to the task."""
        return cls(namespace, route, *split_name(name))


def split_name(name: str) -> tuple[str, str]:
    """(task, segment) of a cell's name: ("c#", "") of `c#`, ("c#", "1.0") of `c##1.0`."""
    found = SEGMENT.search(name) if "#" in name else None
    return (name[: found.start()], found[1]) if found else (name, "")


class About(NamedTuple):
    """Whose success is to be known by it: a deployment, and the name of a cell's task."""

    deployment: str
    task: str


def background_key(purpose: str, route: str, about: About | None = None) -> str:
    """Under what id the requests stand that windsock makes beside those of a route.

    purpose     such as `judge`
    """
    whose = f"{BACKGROUND}{purpose}:{_untabbed(route)}"
    return "\t".join((whose, _untabbed(about.deployment), about.task)) if about else whose


def _untabbed(name: str) -> str:
    """A tab ends a name in an id; a name that holds one has the picture of it there."""
    return name.replace("\t", TAB)


class Background(NamedTuple):
    """What windsock asks by itself, beside whose requests, and about whom, where that is known."""

    purpose: str
    route: str
    about: About | None = None


def background_of(key_id: str | None) -> Background | None:
    """What an id of `background_key` stands for; None of a caller's."""
    if key_id is None or not is_background(key_id):
        return None
    whose, *about = key_id.split("\t", 2)
    purpose, _, route = whose.removeprefix(BACKGROUND).replace(TAB, "\t").partition(":")
    if len(about) < 2:
        return Background(purpose, route)
    deployment, task = about
    return Background(purpose, route, About(deployment.replace(TAB, "\t"), task))


def owner_key(key_id: str) -> str:
    """Who pays: of an id of `background_key` that without whom it is about, else itself."""
    return key_id.partition("\t")[0] if is_background(key_id) else key_id


def is_background(key_id: str | None) -> bool:
    """Whether windsock itself asked, and no caller waited."""
    return key_id is not None and key_id.startswith(BACKGROUND)


Cutoffs = tuple[tuple[float, float], ...]
"""(share of calls, 0..1, and a bound that holds for it) pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """The caller's `provider` object, as OpenRouter defines it.

    only, ignore, order     provider ids or deployment ids
    sort                    price, throughput or latency; switches the bandit off
    max_prompt_usd_per_mtok, max_completion_usd_per_mtok    price ceilings
    max_request_usd_per_mtok, max_image_usd_per_mtok        the same, of a million of them
    required_fields         who is known not to take one of these is not asked
    latency_cutoffs         (share of calls, seconds): who needs longer until the first content of
                            that share, as measured, is asked last
    speed_cutoffs           (share of calls, tokens a second): so is who is slower in that share
    zdr, denies_collection, distillable, quantizations  what its terms must be (`abilities.terms`)
    """

    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    sort: str | None = None
    max_prompt_usd_per_mtok: Decimal | None = None
    max_completion_usd_per_mtok: Decimal | None = None
    max_request_usd_per_mtok: Decimal | None = None
    max_image_usd_per_mtok: Decimal | None = None
    latency_cutoffs: Cutoffs = ()
    speed_cutoffs: Cutoffs = ()
    required_fields: frozenset[str] = frozenset()
    zdr: bool = False
    denies_collection: bool = False
    distillable: bool = False
    quantizations: tuple[str, ...] = ()
    allow_fallbacks: bool = True


NO_PREFERENCES = Preferences()


CALLS = ("rerank", "moderation", "image_generation", "image_edit", "audio_transcription",
         "audio_translation", "audio_speech")  # fmt: skip
"""Needs that are a kind of call; who refuses the call as such serves none of that kind."""

NEED_BY_FIELD: Mapping[str, str] = {
    "tools": "tools",
    "functions": "functions",
    "tool_choice": "tool_choice",
    "function_call": "functions",
    "response_format": "json_schema",
    "n": "n",
    "logprobs": "logprobs",
    "top_logprobs": "logprobs",
    "modalities": "audio",
    "audio": "audio",
    **{call: call for call in CALLS},
    "messages.image": "vision",
    "messages.audio": "audio",
}
"""Fields of a request that change what the answer means, and what a request with them needs.

Who does not take one of them is not asked; all other fields may be left out.
"""


CHAT_ALONE = ("functions", "custom_tools")
"""Needs of requests that no other language than that of chat completions has words for."""

PREFILL_MARK = "prefill"
"""The mark of a request whose last turn is an answer that its caller began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """What a deployment said it does not take of a request.

    field       as chat completions name it; `messages.` and a name within the conversation
    instead     the name under which it takes the same
    value       the only value that it refuses, an object as JSON; None: any. Of `response_format`
                its type
    most        what it takes at most: of a number, of characters, of entries
    least       the least number that it takes
    to          the value that it demands, whether the field is asked for or not; None: none
    unless      the other field without which alone this holds; empty: it always holds
    """

    field: str
    instead: str = ""
    value: str | float | None = None
    most: float | None = None
    least: float | None = None
    to: str | float | None = None
    unless: str = ""

    @property
    def need(self) -> str | None:
        """What the deployment cannot serve; None where any request may go on without the field."""
        if self.field == "response_format" and isinstance(self.value, str):
            return self.value
        return NEED_BY_FIELD.get(self.field)


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class RouteRequest:
    """What is asked, without a word of its text.

    model           route name, deployment id or bare model id
    models          ordered fallbacks by name, after `model`
    needs           capabilities it cannot do without: vision, audio, tools, tool_choice (a call is
                    demanded), json_schema, json_object, n (several answers), logprobs, web_search,
                    plugins (OpenRouter's), functions (of before there were tools), custom_tools
    prompt_tokens   estimate
    longest_tokens  estimate of what must fit a context window, where that is less: the longest of
                    several texts that are read apart, the text beside images, sounds and files
    max_output_tokens   the caller's cap, if any, of each answer
    beside_tokens   estimate of what is sent beside the prompt: tools, schemas; where it is capped
    choices         answers asked for; where it is capped
    units           (meter, count) of what it will use beside tokens; where it is capped
    marks           what its conversation carries that only some providers understand
    service_tier    how it is asked to be served, in the provider's words; None: as usual
    session_id      of the conversation it belongs to; None: it names none and none can be inferred
    session_kind    the field that names it
    is_session_shared   unrelated prompts may name it too: it is a user, or a key of a cache
    continues       id of the answer that it goes on from, if it names one
    known_as        names that its caller has for it, with a space between
    features        cheap numbers about the prompt, for learnt segments
    deadline_s      seconds from `open` until the caller gives up
    """

    model: str
    models: tuple[str, ...] = ()
    namespace: str = DEFAULT_NAMESPACE
    task: str = DEFAULT_TASK
    needs: frozenset[str] = frozenset()
    prompt_tokens: int = 0
    longest_tokens: int | None = None
    max_output_tokens: int | None = None
    beside_tokens: int = 0
    choices: int = 1
    units: tuple[tuple[Meter, int], ...] = ()
    marks: frozenset[str] = frozenset()
    service_tier: str | None = None
    is_stream: bool = False
    session_id: str | None = None
    session_kind: str = "session_id"
    is_session_shared: bool = False
    continues: str | None = None
    key_id: str | None = None
    known_as: str = ""
    preferences: Preferences = NO_PREFERENCES
    features: tuple[float, ...] = ()
    deadline_s: float | None = None
