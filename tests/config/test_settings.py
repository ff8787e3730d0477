"""windsock.toml: every fault is one sentence with file, line, key and mend."""

from dataclasses import replace

import pytest

from windsock.app.default_settings import with_defaults
from windsock.app.feed_parts import feeds_of
from windsock.config.file import load, parse
from windsock.config.settings import Settings, guard_rules
from windsock.core.pricing.rules import GuardRules
from windsock.errors import ConfigError
from windsock.providers.presets import presets
from windsock.resources.declared import seconds


def fault(text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, environ, source="windsock.toml")
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_an_empty_file_is_the_default() -> None:
    assert parse("", {}, source="windsock.toml") == Settings()


def test_no_file_is_the_default() -> None:
    assert load(None, {}) == Settings()


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read"):
        load(tmp_path / "absent.toml", {})


def test_an_unknown_key_names_line_and_near_name() -> None:
    assert fault("[server]\nprot = 1") == (
        "windsock.toml:2: unknown key 'server.prot'; did you mean 'port'?"
    )


def test_a_missing_secret_names_key_and_variable() -> None:
    sentence = fault('[providers.openai]\napi_key = "${OPENAI_API_KEY}"')
    assert "providers.openai.api_key" in sentence
    assert "OPENAI_API_KEY" in sentence


def test_secrets_come_from_the_environment_in_three_spellings() -> None:
    text = """
    [providers.a]
    api_key = "${A}"
    [providers.b]
    api_key = "${B:-fallback}"
    [providers.c]
    api_key = "os.environ/C"
    """
    providers = parse(text, {"A": "1", "C": "3"}, source="t").providers
    assert [providers[name].api_key for name in "abc"] == ["1", "fallback", "3"]


def test_a_wrong_type_shows_the_value_but_never_a_key() -> None:
    assert "not 'abc'" in fault('[server]\nport = "abc"')
    assert "hunter2" not in fault('[providers.a]\napi_key = ["hunter2"]')


def test_a_list_that_must_hold_something_says_so() -> None:
    words = "routes.a.candidates needs 1 or more, and has 0"
    assert words in fault("[routes.a]\ncandidates = []")


def test_a_price_of_zero_needs_a_reason() -> None:
    text = '[providers.local]\nbase_url = "http://x"\nprice = {input = 0, output = 0}'
    assert "needs a reason" in fault(text)


@pytest.mark.parametrize(
    "price",
    [
        'request = 0.002, mode = "rerank"',
        "input = 1, output = 2, tiers = [{ min_prompt_tokens = 9000, request = 0.002 }]",
    ],
)
def test_a_price_of_one_request_is_no_price_of_a_million(price: str) -> None:
    text = f'[deployments."a/m"]\nprice = {{ {price} }}'
    assert "request = 0.002 is dollars per million of them; $0.002 each is 2000" in fault(text)
    assert parse(text.replace("0.002", "2000"), {}, source="t").deployments["a/m"].price


def test_value_needs_its_dollars_and_cost_per_success_has_a_floor_by_itself() -> None:
    assert "usd_per_success" in fault('[routes.a]\ncandidates = ["x"]\nobjective = "value"')
    route = parse('[routes.a]\ncandidates = ["x"]', {}, source="t").routes["a"]
    assert route.objective == "cost_per_success"


def test_a_rule_may_only_narrow_the_routes_own_candidates() -> None:
    text = '[routes.a]\ncandidates = ["x"]\n[[routes.a.rules]]\nwhen = {}\ncandidates = ["y"]'
    assert "'y'" in fault(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500ms", 0.5), ("30s", 30), ("5m", 300), ("1h", 3600), ("7d", 604800), (2, 2)],
)
def test_durations_read_as_people_write_them(text: object, expected: float) -> None:
    assert seconds(text) == expected


def test_a_wrong_unit_is_refused() -> None:
    assert "5 parsecs" in fault('[cache]\nttl = "5 parsecs"')


def test_broken_toml_is_named() -> None:
    assert "not valid TOML" in fault("x = [")


def test_the_guards_thresholds_are_settings_with_its_own_defaults() -> None:
    changed = parse("[guard]\nmax_rise = 3.0\n", {}, source="t")
    assert guard_rules(changed) == replace(GuardRules(), max_rise=3.0)
    assert guard_rules(Settings()) == GuardRules()
    assert "guard.max_rize" in fault("[guard]\nmax_rize = 3\n")


def enabled(text: str, **environ: str) -> tuple[str, ...]:
    settings = parse(text, environ, source="windsock.toml")
    return tuple(each.id for each in feeds_of(with_defaults(settings, presets(), environ)))


def test_who_copies_a_copy_copies_its_source_whatever_names_stand_there() -> None:
    copies = {"genai-prices": ["litellm"], "litellm": ["openrouter", "nobody-here"],
              "openrouter": ["models-dev"], "models-dev": ["openrouter", "models-dev"]}  # fmt: skip
    said = "\n".join(f"[feeds.override.{name}]\ncopies = {of}" for name, of in copies.items())
    found = {each.id: {*each.copies} for each in feeds_of(parse(said, {}, source="t"))}
    assert found["genai-prices"] == {"litellm", "openrouter", "nobody-here", "models-dev"}
    assert found["models-dev"] == found["openrouter"] == {"models-dev", "openrouter"}


def test_status_pages_of_the_providers_in_use_are_read_unless_feeds_are_named() -> None:
    usual = Settings().feeds.enabled
    keys = {"OPENAI_API_KEY": "k", "GROQ_API_KEY": "k", "DEEPSEEK_API_KEY": "k"}
    assert enabled("", **keys) == (*usual, "statuspage-openai", "statuspage-groq")
    assert enabled('[feeds]\nenabled = ["litellm"]', **keys) == ("litellm",)
    own = '[providers.openai]\nbase_url = "http://127.0.0.1:9/v1"'
    assert enabled(own, OPENAI_API_KEY="k") == usual
