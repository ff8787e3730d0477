"""Settings as people see them: whole, by their keys, without a secret."""

import pytest

from windsock.config.file import parse
from windsock.config.shown import MASK, shown

SECRETS = (
    "sk-live-abcdefgh12345", "hunter2-hunter2", "T0/B0/hook-path", "top-secret-signing",
    "sk-in-a-list-12345678", "proxy-password-1", "pg-pass-word", "admin-token-of-ours",
)  # fmt: skip
TEXT = """
[server]
admin_token = "admin-token-of-ours"
[store]
url = "postgresql://windsock:pg-pass-word@db:5432/windsock"
[providers.openai]
api_key = "sk-live-abcdefgh12345"
headers = { "x-team" = "hunter2-hunter2" }
[providers.local]
base_url = "http://me:proxy-password-1@10.0.0.7:8080/v1?key=sk-in-a-list-12345678"
price = { input = 0, output = 0, reason = "local" }
[routes."odd name"]
candidates = ["openai/gpt-4o-mini", "local/llama"]
quality_floor = 0.8
[[webhooks]]
url = "https://hooks.example/T0/B0/hook-path"
secret = "top-secret-signing"
events = ["price."]
"""


def rows() -> dict[str, tuple[object, bool]]:
    settings = parse(TEXT, {}, source="windsock.toml")
    return {key: (value, is_stated) for key, value, is_stated in shown(settings)}


def test_what_was_written_stands_by_its_key_and_defaults_are_told_apart() -> None:
    found = rows()
    assert found['routes."odd name".quality_floor'] == (0.8, True)
    assert found["server.port"] == (8787, False)
    assert found["webhooks[0].events"] == (["price."], True)
    assert found["providers.local.price.reason"] == ("local", True)


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_is_shown_wherever_it_was_written(secret) -> None:
    assert secret not in str(rows())


def test_of_an_address_the_host_is_shown_and_of_a_key_that_there_is_one() -> None:
    found = rows()
    assert found["providers.local.base_url"] == (f"http://10.0.0.7:8080/{MASK}", True)
    assert found["webhooks[0].url"][0] == f"https://hooks.example/{MASK}"
    assert found["providers.openai.api_key"][0] == MASK
    assert found["providers.local.api_key"] == (None, False)
