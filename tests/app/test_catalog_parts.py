"""Deployments and how they are called, from settings."""

import pytest

from windsock.app.catalog_parts import catalog_of, upstreams_of
from windsock.clock import SystemClock
from windsock.config.file import parse
from windsock.core.model.requests import CHAT_ALONE
from windsock.providers.presets import presets
from windsock.wire.registry import LANGUAGES

GEMINIS = {"generate_content", "embed_content", "batch_embed_contents"}
ROUTE = '[routes.auto]\ncandidates = ["google/gemini-x"]\n'


def built(text: str):
    settings = parse(text + ROUTE, {}, source="windsock.toml")
    catalog = catalog_of(settings, presets())
    upstreams = upstreams_of(settings, presets(), {"GEMINI_API_KEY": "k"}, catalog, SystemClock())
    return catalog.deployments["google/gemini-x"], upstreams["google"]


def test_a_provider_may_speak_formats_of_clients_at_another_address() -> None:
    deployment, upstream = built("")
    assert upstream.endpoint.base_url.endswith("/v1beta/openai")
    assert upstream.endpoint.headers["authorization"] == "Bearer k"
    assert upstream.bare.base_url == "https://generativelanguage.googleapis.com/v1beta"
    assert upstream.bare.headers == {"x-goog-api-key": "k"}
    assert upstream.native.keys() == GEMINIS == GEMINIS & deployment.keeps_marks
    assert {*deployment.lacks} & {*LANGUAGES} == {*LANGUAGES} - GEMINIS


@pytest.mark.parametrize(
    "own", ['base_url = "http://127.0.0.1:9/v1"', 'auth = "x-api-key"', "speaks = []"]
)
def test_an_owners_own_address_or_word_is_the_only_one(own: str) -> None:
    deployment, upstream = built(f"[providers.google]\n{own}\n")
    assert not upstream.native and upstream.bare.base_url == upstream.endpoint.base_url
    assert {*deployment.lacks} >= {*LANGUAGES}


@pytest.mark.parametrize(("provider", "lacks"), [("google", False), ("google-native", True)])
def test_who_is_asked_in_another_language_is_told_no_functions_of_old(provider, lacks) -> None:
    settings = parse(ROUTE.replace("google/", f"{provider}/"), {}, source="windsock.toml")
    (deployment,) = catalog_of(settings, presets()).deployments.values()
    assert ({*CHAT_ALONE} <= {*deployment.lacks}) is lacks
