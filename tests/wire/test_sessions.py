"""Which conversation a request belongs to, wherever its client names it."""

import json

import pytest

from windsock.errors import BadRequest
from windsock.wire.adaptation.plain_turns import turns_of
from windsock.wire.caller_fields.names import MOST_CHARS
from windsock.wire.formats.chat.reading import read_chat
from windsock.wire.formats.messages.messages import Messages
from windsock.wire.sessions import FIRST_TURNS, MOST_BORROWED_CHARS, SOURCES, Place, first_turns

UUID = "57a121ec-f78c-48c3-a745-e3036a3ecc33"
LONG = "You are a careful assistant. " * 200
TURNS = [{"role": "system", "content": LONG}, {"role": "user", "content": "Why is the sky blue?"}]
SHORT = [{"role": "user", "content": "hi"}]


def read(headers: dict[str, str] | None = None, *, key_id: str | None = "k", **body):
    raw = json.dumps({"model": "auto", "messages": SHORT, **body}).encode()
    given = {name.encode(): value for name, value in (headers or {}).items()}
    return read_chat(raw, namespace="default", key_id=key_id, header=given.get).request


CLAUDE_OLD = f"user_{'a' * 64}_account__session_{UUID}"
CLAUDE_NEW = json.dumps({"device_id": "d", "account_uuid": "", "session_id": UUID})


@pytest.mark.parametrize(
    ("kind", "headers", "body"),
    [
        ("session_id", {}, {"session_id": "s"}),
        ("x-session-id", {"x-session-id": "s"}, {}),
        ("x-claude-code-session-id", {"x-claude-code-session-id": UUID}, {}),
        ("session-id", {"session-id": "s"}, {}),
        ("session_id", {"session_id": "s"}, {}),
        ("x-opencode-session", {"x-opencode-session": "s"}, {}),
        ("x-session-affinity", {"x-session-affinity": "s"}, {}),
        ("x-litellm-session-id", {"x-litellm-session-id": "s"}, {}),
        ("session_id", {}, {"metadata": {"session_id": "s"}}),
        ("conversation", {}, {"conversation": "conv_1"}),
        ("conversation", {}, {"conversation": {"id": "conv_1"}}),
        ("user_id", {}, {"metadata": {"user_id": CLAUDE_OLD}}),
        ("user_id", {}, {"metadata": {"user_id": CLAUDE_NEW}}),
        ("user", {}, {"user": CLAUDE_OLD}),
        ("user", {}, {"user": CLAUDE_NEW}),
        ("previous_response_id", {}, {"previous_response_id": "resp_1"}),
        (FIRST_TURNS, {}, {"messages": TURNS}),
    ],
)
def test_a_conversation_is_known_by_what_its_client_says(kind, headers, body) -> None:
    found = read(headers, **body)
    assert found.session_id is not None and found.session_kind == kind
    assert not found.is_session_shared
    assert (found.continues == "resp_1") is (kind == "previous_response_id")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("prompt_cache_key", {"prompt_cache_key": "app-7"}),
        ("user", {"user": "tenant-7"}),
        ("user", {"user": 7}),
        ("user_id", {"metadata": {"user_id": "tenant-7"}}),
    ],
)
def test_a_user_or_a_key_of_a_cache_may_be_that_of_unrelated_prompts(kind, body) -> None:
    found = read(**body)
    assert found.session_id is not None and found.session_kind == kind
    assert found.is_session_shared


def test_sources_are_asked_in_the_order_of_their_table() -> None:
    said = {
        Place.BODY: {"conversation": "c", "previous_response_id": "r", "prompt_cache_key": "p"},
        Place.METADATA: {"session_id": "m", "user_id": CLAUDE_OLD},
        Place.HEADER: {each.name: "h" for each in SOURCES if each.place is Place.HEADER},
    }
    said[Place.BODY] |= {"session_id": "s", "user": CLAUDE_OLD}
    for source in SOURCES[:-2]:
        body = {**said[Place.BODY], "metadata": said[Place.METADATA]}
        assert read(said[Place.HEADER], **body).session_kind == source.name, source
        if source.is_whole or source.name == "user_id":
            said[source.place].pop(source.name, None)
        else:
            said[source.place][source.name] = "tenant"


def test_the_same_session_is_one_in_both_forms_of_a_users_name() -> None:
    both = {read(user=each).session_id for each in (CLAUDE_OLD, CLAUDE_NEW)}
    assert len(both) == 1
    chat = Messages().asked(
        {"model": "auto", "messages": SHORT, "metadata": {"user_id": CLAUDE_NEW}}
    )
    told = {name: value for name, value in chat.items() if name != "model"}
    assert read(**told).session_id in both


@pytest.mark.parametrize(
    "body",
    [
        {"user": ""},
        {"user": "  "},
        {"user": None},
        {"user": ["a"]},
        {"user": True},
        {"conversation": {}},
        {"prompt_cache_key": {"no": "id"}},
        {"metadata": {"user_id": None, "session_id": 1.5}},
        {"metadata": None},
    ],
)
def test_what_can_be_no_name_names_nothing(body) -> None:
    assert read(**body).session_id is None


@pytest.mark.parametrize("broken", ["{", '{"session_id": 3}', '{"session_id": ""}', '{"a": 1}'])
def test_a_users_name_that_holds_no_session_is_a_users_name(broken) -> None:
    assert read(user=broken).is_session_shared


def test_of_a_name_only_a_digest_goes_further_however_long_it_is() -> None:
    names = [read(session_id="s"), read(session_id="x" * MOST_CHARS), read(user="x" * 4096)]
    assert {len(each.session_id) for each in names} == {24}
    assert all("x" not in str(each.session_id) for each in names)


@pytest.mark.parametrize(
    "long",
    [
        {"session_id": "x" * (MOST_CHARS + 1)},
        {"metadata": {"session_id": "x" * (MOST_CHARS + 1)}},
        {"conversation": {"id": "x" * (MOST_CHARS + 1)}},
        {"user": "x" * (MOST_BORROWED_CHARS + 1)},
        {"previous_response_id": "x" * (MOST_BORROWED_CHARS + 1)},
    ],
)
def test_a_longer_name_is_refused_and_never_cut_to_that_of_another(long) -> None:
    with pytest.raises(BadRequest, match="more than"):
        read(**long)


def test_names_of_different_fields_are_different_sessions() -> None:
    assert read(session_id="7").session_id != read(user="7").session_id


def test_without_a_name_a_long_prompt_is_known_by_how_it_begins() -> None:
    first = read(messages=TURNS)
    later = [
        *TURNS,
        {"role": "assistant", "content": "Rayleigh."},
        {"role": "user", "content": "?"},
    ]
    assert read(messages=later).session_id == first.session_id
    others = ({"messages": [TURNS[0], {"role": "user", "content": "Else?"}]},
              {"messages": [{"role": "system", "content": LONG + "!"}, TURNS[1]]})  # fmt: skip
    for other in others:
        assert read(**other).session_id != first.session_id
    assert read(messages=TURNS, key_id="another").session_id != first.session_id
    assert read(messages=SHORT).session_id is None, "too short to be cached anywhere"


@pytest.mark.parametrize(
    "messages",
    [
        b"[]",
        b'[{"role": "system", "content": "x"}]',
        b'[{"role": "assistant"}]',
        b"[1, 2]",
        b'[{"role": 3, "content": "x"}]',
    ],
)
def test_prompts_without_a_turn_of_the_user_have_no_beginning(messages) -> None:
    assert first_turns(turns_of(messages).listed) is None


def test_pictures_and_parts_belong_to_the_first_turn() -> None:
    parts = [{"type": "text", "text": LONG}, {"type": "image_url", "image_url": {"url": "a"}}]
    other = [parts[0], {"type": "image_url", "image_url": {"url": "b"}}]
    ids = {read(messages=[{"role": "user", "content": each}]).session_id for each in (parts, other)}
    assert len(ids) == 2 and None not in ids
