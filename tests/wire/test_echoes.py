"""What an error quotes of a request is no word of the provider's."""

import json

import pytest

from windsock.wire.upstream_errors.echoes import MASK, without_echoes

SAID = "the model does not exist"


def error(message: str, **facts: object) -> bytes:
    return json.dumps({"error": {"message": message, **facts}}, ensure_ascii=False).encode()


@pytest.mark.parametrize("quoted", ["'{}'", "`{}`", '"{}"', "“{}”", "({})"])
def test_a_sentence_of_the_request_is_masked_in_any_quotes(quoted: str) -> None:
    raw, asked = error(f"Invalid user {quoted.format(SAID)}."), json.dumps({"user": SAID}).encode()
    said = without_echoes(raw, asked)
    assert SAID.encode() not in said
    assert MASK in said
    assert json.loads(said)["error"]["message"].startswith("Invalid user")


def test_a_value_that_is_handed_back_is_masked() -> None:
    raw, asked = error("bad input", input=SAID), json.dumps({"stop": SAID.upper()}).encode()
    found = json.loads(without_echoes(raw, asked))
    assert found == {"error": {"message": "bad input", "input": MASK.decode()}}


def test_words_of_other_scripts_are_masked() -> None:
    raw = error("无效的用户 '账户余额不足请充值'")
    asked = '{"user": "账户余额不足请充值"}'.encode()
    assert "余额" not in without_echoes(raw, asked).decode()


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        ("Unsupported parameter: 'max_tokens' is not supported", '{"max_tokens": 5}'),
        ("'response_format' of type 'json_schema' is not supported", '{"type": "json_schema"}'),
        ("The model 'gpt-9' does not exist", '{"model": "gpt-9"}'),
        ("it doesn't take 'tools' and doesn't see", '{"x": "tools\' and doesn"}'),
        (f"{SAID}, sorry", json.dumps({"messages": [{"content": f"why: {SAID}"}]})),
        (f"'{SAID}'", '{"user": "another"}'),
    ],
)
def test_what_the_provider_says_itself_is_left(message: str, asked: str) -> None:
    raw = error(message)
    assert without_echoes(raw, asked.encode()) is raw


@pytest.mark.parametrize("name", ["error", "message", "code", "model_not_found"])
def test_a_tool_that_is_named_like_a_part_of_the_error_hides_nothing(name: str) -> None:
    raw = error("The model does not exist", code="model_not_found")
    assert without_echoes(raw, json.dumps({"tools": [{"name": name}]}).encode()) is raw


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"'" * 9000, b"('`\\\"" * 9000, b"'a b c d'"])
def test_nothing_makes_it_fail(raw: bytes) -> None:
    assert isinstance(without_echoes(raw, raw), bytes)
