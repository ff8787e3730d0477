"""When a provider is taken for one that has no call in a client's own format."""

from __future__ import annotations

import pytest

from windsock.core.model.unsupported import SURE
from windsock.service.execution.asking.languages import DOUBTED_S, SILENT_S, Languages
from windsock.wire.request import NativeRequest
from windsock.wire.upstream_errors.reading import is_unknown_call


def asked(words: str) -> NativeRequest:
    return NativeRequest(language="responses", raw=words.encode())


def told_so(count: int, *, now: float, languages: Languages | None = None) -> Languages:
    languages = languages or Languages()
    for number in range(count):
        languages.refused("p", asked(f"{now} {number}"), now)
    return languages


def test_who_is_told_so_is_asked_by_another_format_and_nobody_else() -> None:
    languages = told_so(SURE - 1, now=0.0)
    assert languages.is_silent("p", asked("0.0 0"), 1.0)
    assert not languages.is_silent("p", asked("another"), 1.0)
    assert not languages.is_silent("q", asked("0.0 0"), 1.0)


def test_after_several_different_requests_it_is_believed_for_an_hour() -> None:
    languages = told_so(SURE, now=0.0)
    assert languages.is_silent("p", asked("another"), SILENT_S - 1)
    assert not languages.is_silent("p", asked("another"), SILENT_S)


def test_the_same_request_over_and_over_is_one() -> None:
    languages = Languages()
    for second in range(9):
        languages.refused("p", asked("the same"), float(second))
    assert not languages.is_silent("p", asked("another"), 9.0)


def test_not_while_others_are_answered_and_for_a_minute_once_they_were() -> None:
    languages = Languages()
    languages.answered("p", asked("hello"), 0.0)
    told_so(9, now=5.0, languages=languages)
    assert not languages.is_silent("p", asked("another"), 6.0), "others were just answered"
    told_so(1, now=20.0, languages=languages)
    assert languages.is_silent("p", asked("another"), 21.0)
    assert not languages.is_silent("p", asked("another"), 20.0 + DOUBTED_S)
    languages.answered("p", asked("another"), 21.0)
    assert not languages.is_silent("p", asked("one more"), 22.0), "it answers in it"
    assert languages.is_silent("p", asked("5.0 0"), 22.0), "whom it told so goes on otherwise"


@pytest.mark.parametrize(
    "said",
    [
        "",
        '{"detail":"Not Found"}',
        "Cannot POST /v1beta/models/m:generateContent",
        "<!doctype html><html><title>404</title>no model of a page</html>",
        '{"error":{"message":"Unknown request URL: POST /v1/responses"}}',
    ],
)
def test_a_404_of_the_path_is_of_the_call(said: str) -> None:
    assert is_unknown_call(404, said.encode(), path="/models/m:generateContent?alt=sse")


@pytest.mark.parametrize(
    "said",
    [
        '{"error":{"message":"models/m is not found for API version v1beta"}}',
        '{"error":{"message":"找不到模型"}}',
        '{"error":{"message":"Le modèle demandé est introuvable"}}',
        '{"error":{"message":"Container cntr_1 was not found"}}',
        '{"error":{"message":"No prompt found with id pmpt_1"}}',
    ],
)
def test_a_404_of_a_model_or_of_what_is_kept_there_is_not(said: str) -> None:
    assert not is_unknown_call(404, said.encode(), path="/models/m:generateContent")
