"""No error, no repr and no command repeats a secret, wherever it was typed."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

import windsock
from windsock.app.bootstrap import build
from windsock.cli import app
from windsock.config.file import parse
from windsock.errors import ConfigError, FeedError, WindsockError, masked
from windsock.service.error_responses import problem_of
from windsock.store.engine import open_engine

SHAPED = "sk-live-0123456789abcdef"
PLAIN = "qX7vR2mK9pL4wZ8nT3bY"
"""A secret that no shape betrays."""

BASE = '[providers.acme]\nbase_url = "http://127.0.0.1:9/v1"\nprice = { input = 1, output = 1 }\n'
ROUTE = '[routes.auto]\ncandidates = ["acme/m"]\n'

TYPED = {
    "a key as an address": '[providers.acme]\nbase_url = "SECRET"\n' + ROUTE,
    "a password in an address of no port": '[providers.acme]\n'
    'base_url = "http://me:x@h:SECRET/v1"\n' + ROUTE,
    "an address of the cache": '[cache]\nenabled = true\nurl = "SECRET"\n' + BASE + ROUTE,
    "a password of the cache": '[cache]\nenabled = true\nurl = "redis://:SECRET/1@h:x"\n' + BASE
    + ROUTE,
    "a key as a store": '[store]\nurl = "SECRET"\n' + BASE + ROUTE,
    "a password of a store": '[store]\nurl = "postgresql://me:SECRET@h:port/x"\n' + BASE + ROUTE,
    "a store of no kind": '[store]\nurl = "mysql://me:SECRET@h/x"\n' + BASE + ROUTE,
    "a header that is no text": BASE + 'headers = { x-team = ["SECRET"] }\n' + ROUTE,
    "headers that are a text": BASE + 'headers = "SECRET"\n' + ROUTE,
    "a webhook's address": BASE + ROUTE + '[[webhooks]]\nurl = "SECRET"\nsecret = "12345678"\n',
    "a webhook's secret": BASE + ROUTE + '[[webhooks]]\nurl = "http://h"\nsecret = ["SECRET"]\n',
    "a key that is a list": BASE + 'api_key = ["SECRET"]\n' + ROUTE,
    "an admin's token": BASE + ROUTE + '[server]\nadmin_token = ["SECRET"]\n',
    "an embedder's address": BASE + ROUTE + '[embeddings]\nbase_url = "SECRET"\nmodel = "m"\n',
    "a feed's address": BASE + ROUTE + '[feeds.override.litellm]\nurl = ["SECRET"]\n',
    "a feed's key": BASE + ROUTE + '[feeds.override.litellm]\napi_key = ["SECRET"]\n',
}  # fmt: skip


@pytest.mark.parametrize("secret", [SHAPED, PLAIN])
@pytest.mark.parametrize("text", TYPED.values(), ids=TYPED)
def test_what_is_refused_is_not_repeated(text, secret, tmp_path) -> None:
    config = text.replace("SECRET", secret)
    if "[store]" not in config:
        config += f'[store]\nurl = "sqlite:///{tmp_path}/w.db"\n'
    with pytest.raises(ConfigError) as raised:
        build(parse(config + "[feeds]\nenabled = []\n" * ("[feeds" not in config), {}, source="w"),
              {}).ledger.close()  # fmt: skip
    assert secret not in f"{raised.value}{raised.value!r}"


SECRETS = re.compile(r"(key|token|secret|password|url|headers|query|credential)s?$")
"""Names of what may hold one."""

HARMLESS = {
    "CheckSettings.required_keys", "FeedDefinition.env_key", "ServerSettings.pass_headers",
    "MadeKey.key",
}  # fmt: skip
"""Names of keys, of variables and of headers."""

PUBLISHED = {"Preset"}
"""What everybody may know of providers."""


def modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(windsock.__path__, "windsock."):
        if ".migrations" not in found.name and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def shown_fields(kind: type) -> Iterator[str]:
    """Names of text that its repr tells."""
    if issubclass(kind, BaseModel):
        known = ((name, each.repr, each.annotation) for name, each in kind.model_fields.items())
    elif dataclasses.is_dataclass(kind):
        known = ((each.name, each.repr, each.type) for each in dataclasses.fields(kind))
    else:
        return
    for name, is_shown, of in known:
        if is_shown and ("str" in str(of) or "bytes" in str(of)):
            yield name


def test_what_may_hold_a_secret_is_in_no_repr() -> None:
    """Records of configuration, of connections and of what sends them."""
    places = ("config", "providers", "feeds", "observability", "cli", "app")
    shown = {
        f"{kind.__name__}.{name}"
        for module in modules()
        if module.__name__.split(".")[1] in places
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__
        if kind.__name__ not in PUBLISHED
        for name in shown_fields(kind)
        if SECRETS.search(name)
    }
    assert shown - HARMLESS == set()


def test_a_whole_configuration_shows_none() -> None:
    text = (
        BASE
        + f'api_key = "{PLAIN}"\nheaders = {{ x-team = "{PLAIN}" }}\n'
        + f'[cache]\nurl = "redis://:{PLAIN}@h"\n[store]\nurl = "postgresql://u:{PLAIN}@h/x"\n'
        + f'[server]\nadmin_token = "{PLAIN}"\n[[webhooks]]\nurl = "https://h/{PLAIN}"\n'
        + f'secret = "{PLAIN}"\n[feeds.override.litellm]\napi_key = "{PLAIN}"\n'
        + f'[embeddings]\nbase_url = "http://h"\nmodel = "m"\napi_key = "{PLAIN}"\n'
    )
    settings = parse(text, {}, source="windsock.toml")
    assert PLAIN not in repr(settings) + str(settings)


@pytest.mark.parametrize(
    "command",
    [
        ["weights"], ["prices", "list"], ["alarms", "list"], ["report"], ["explain", "x"],
        ["prices", "approve", "a/b", "f"], ["learn", "--undo", "1"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("typed", [SHAPED, PLAIN, f"http://me:{PLAIN}@127.0.0.1:9"])
def test_a_key_typed_as_an_address_is_not_repeated(command, typed, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [*command, "--url", typed])
    assert isinstance(done.exception, WindsockError)
    said = f"{done.exception}{done.exception!r}{done.output}"
    assert SHAPED not in said and PLAIN not in said


def test_an_error_repeats_nothing_that_looks_like_a_key() -> None:
    for said in (SHAPED, f"Bearer {PLAIN}", f"http://me:{PLAIN}@host/x"):
        error = FeedError(f"cannot read {said}", feed="x")
        assert PLAIN not in str(error) and SHAPED not in repr(error)
        body = problem_of(WindsockError(f"no model is named {said}")).body.decode()
        assert PLAIN not in body and SHAPED not in body
    assert masked("openai/gpt-4o-mini at https://api.openai.com/v1") == (
        "openai/gpt-4o-mini at https://api.openai.com/v1"
    )


@pytest.mark.parametrize("url", ["postgresql://u:PW@h:p/x", "mysql://u:PW@h/x", "PW", "://PW"])
def test_a_store_that_cannot_be_is_named_without_its_password(url) -> None:
    with pytest.raises(ConfigError) as raised:
        open_engine(url.replace("PW", PLAIN))
    assert PLAIN not in str(raised.value)
    assert "store.url" in str(raised.value)
