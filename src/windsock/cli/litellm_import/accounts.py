"""Whom a deployment of the list calls: a provider, its address and its key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from windsock.cli.litellm_import.imported import FROM_ENVIRONMENT, Imported, Table, reference
from windsock.cli.litellm_import.words import (
    ACCOUNT,
    ADDRESSES,
    BARE,
    BASES,
    BY_RESPONSES,
    KEYS,
    PROVIDERS,
    SIGNS_IN,
    UNSERVED,
    WAYS,
)
from windsock.providers.presets import Preset, presets, provider_names

COMPATIBLE = "openai"
"""The language that an unknown address is taken to speak; whose it is, its name does not say."""


HUGGINGFACE = "huggingface"
"""Who sells for others: LiteLLM writes the seller before a model, its router takes it behind."""

REGION = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)/")
"""Bedrock's, which may stand before a model's name."""

ARN = re.compile(r"arn:aws[\w-]*:bedrock:([\w-]+):")
"""A name of Bedrock's that states its region itself."""

AZURE_PATH = re.compile(r"(?<=[^/:])/(?:openai(?:/deployments.*)?|models(?:/.*)?)/?$")
"""Of an address at Azure, what follows the host anyhow."""

UNDATED = ("v1", "latest", "preview")
"""Versions of Azure's API that mean the one without a date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A model by its provider's name for it.

    preset  what is known of the provider; None if nothing is
    region  that its name states
    """

    provider: str
    model: str
    preset: Preset | None
    region: str | None = None


def named(params: Mapping[str, Any], environ: Mapping[str, str]) -> Named | None:
    """Whom the parameters of a deployment mean; None where only a variable that is not set says it.

    The address is stronger than the prefix: `openai/x` at another's address is not OpenAI's.
    """
    stated, prefix = str(params["model"]), str(params.get("custom_llm_provider") or "")
    if variable := FROM_ENVIRONMENT.match(stated):
        stated = environ.get(variable[1], f"${{{variable[1]}}}" if prefix else "")
        if not stated:
            return None
    prefix, model = (prefix, stated.removeprefix(f"{prefix}/")) if prefix else _split(stated)
    if model.startswith("responses/"):
        prefix = BY_RESPONSES.get(prefix, prefix)
    for way in WAYS:
        model = model.removeprefix(way)
    region = REGION.match(model)
    model = model[region.end() :] if region else model
    region = region or ARN.match(model)
    name = provider_names().split_region(PROVIDERS.get(prefix, prefix))[0]
    preset = _by_address(params) or _unless_elsewhere(name, params)
    return Named(
        provider=preset.id if preset else name,
        model=_own_name(model, preset),
        preset=preset,
        region=region[1] if region else None,
    )


def is_served(who: Named) -> bool:
    """Whether its provider has the model where it is called here."""
    begins = UNSERVED.get(who.preset.id, ()) if who.preset else ()
    return not who.model.rpartition("/")[2].startswith(begins) if begins else True


def _split(stated: str) -> tuple[str, str]:
    """A prefix and the name; a bare name is mostly OpenAI's."""
    prefix, slash, rest = stated.partition("/")
    if slash:
        return prefix, rest
    asked = next((who for start, who in BARE if stated.startswith(start)), COMPATIBLE)
    return asked, stated


def _own_name(model: str, preset: Preset | None) -> str:
    """As the provider's endpoint takes it, where lists leave its prefix out."""
    if preset and preset.id == HUGGINGFACE and model.count("/") > 1:
        seller, _, rest = model.partition("/")
        return f"{rest}:{seller}"
    if preset and preset.own_prefixes and "/" not in model and model:
        return preset.own_prefixes[0] + model
    return model


def address_of(params: Mapping[str, Any]) -> str:
    """Where the deployment is called, as stated; empty if it does not say."""
    stated = ("api_base", "base_url", "aws_bedrock_runtime_endpoint")
    return next((str(params[each]).strip() for each in stated if params.get(each)), "")


def _by_address(params: Mapping[str, Any]) -> Preset | None:
    """The provider whose address it is."""
    host = urlsplit(address_of(params)).netloc.lower()
    return next((each for each in presets().values() if host and _is_at(each, host)), None)


def _is_at(preset: Preset, host: str) -> bool:
    urls = (preset.base_url, *preset.base_urls.values())
    return any(
        re.fullmatch(re.sub(r"\\\{\w+\\\}", r"[\\w.-]+", re.escape(urlsplit(url).netloc)), host)
        for url in urls
    )


def _unless_elsewhere(name: str, params: Mapping[str, Any]) -> Preset | None:
    """What is known of the provider, unless an address says that somebody else speaks like it."""
    address = address_of(params)
    is_elsewhere = name == COMPATIBLE and address and not FROM_ENVIRONMENT.match(address)
    return None if is_elsewhere else presets().get(name)


def account(found: Imported, who: Named, params: Mapping[str, Any]) -> str | None:
    """The name of the provider's table, one for each address and key; None without an address."""
    facts = _facts(who, params)
    if who.preset is None:
        if "base_url" not in facts:
            if who.provider not in ADDRESSES:
                return None
            facts["base_url"], variable = ADDRESSES[who.provider]
            facts.setdefault("api_key", f"${{{variable}}}")
        if _is_own(facts["base_url"]):
            facts["price"] = {"input": 0, "output": 0, "reason": "a server of one's own"}
    elif who.preset.is_own:
        facts["price"] = {"input": 0, "output": 0, "reason": "a server of one's own"}
    base = who.provider if who.preset or who.provider != COMPATIBLE else _host_name(facts)
    return _placed(found, base, facts, who.preset)


def _placed(found: Imported, base: str, facts: Table, preset: Preset | None) -> str:
    """Under the first name that is free or has the same facts."""
    name, count = base, 1
    while True:
        made = facts if preset is None or name == preset.id else {"preset": preset.id, **facts}
        if found.providers.setdefault(name, made) == made:
            return name
        count += 1
        name = f"{base}-{count}"


def _facts(who: Named, params: Mapping[str, Any]) -> Table:
    """What [providers.NAME] states."""
    preset, facts = who.preset, {}
    if who.region:
        facts["region"] = who.region
    for key, name in ACCOUNT.items():
        if params.get(key) not in (None, ""):
            facts[name] = reference(params[key])
    if facts.get("api_version") in UNDATED:
        del facts["api_version"]
    if "api_key" not in facts and (variable := _usual_key(who, params)):
        facts["api_key"] = f"${{{variable}}}"
    if params.get("azure_ad_token"):
        facts["auth"] = "bearer"
    address = address_of(params)
    if not address and preset is not None and preset.id in BASES:
        address = f"os.environ/{BASES[preset.id]}"
    if address:
        usual = preset.base_url if preset and "{" not in preset.base_url else ""
        facts["base_url"] = _completed(reference(address, usual), preset)
    headers = _headers(params)
    return facts | ({"headers": headers} if headers else {})


def _usual_key(who: Named, params: Mapping[str, Any]) -> str | None:
    """The variable in which LiteLLM looks for a key that is not stated."""
    if who.preset is None or any(params.get(each) for each in SIGNS_IN):
        return None
    usual = None if who.preset.keyless_auth else who.preset.key
    return KEYS.get(who.preset.id, usual)


def _completed(address: str, preset: Preset | None) -> str:
    """With the path that LiteLLM appends by itself, of servers of one's own and native formats."""
    address = address.removesuffix("/chat/completions").rstrip("/")
    if preset is not None and preset.id == "azure":
        return AZURE_PATH.sub("", address)
    is_bare = address.startswith("http") and not urlsplit(address).path
    is_completed = preset is not None and (
        preset.is_own or preset.id == HUGGINGFACE or "openai" not in preset.format
    )
    if preset is not None and is_completed and is_bare:
        return address + urlsplit(preset.base_url).path
    return address


def _headers(params: Mapping[str, Any]) -> dict[str, str]:
    stated = params.get("extra_headers") or params.get("headers")
    headers = {str(k): reference(v) for k, v in stated.items()} if isinstance(stated, dict) else {}
    if params.get("organization"):
        headers["OpenAI-Organization"] = reference(params["organization"])
    return headers


def _is_own(address: str) -> bool:
    """A server that no provider runs: on this machine, in this network, beside this container.

    Of an address that only a variable names nothing is known.
    """
    host = urlsplit(address).hostname or ""
    if not host:
        return False
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".internal", ".local", ".localhost"))


def _host_name(facts: Table) -> str:
    """A provider that only its address names."""
    found = urlsplit(str(facts.get("base_url", ""))).hostname or ""
    words = re.sub(r"[^a-z0-9]+", "-", found.lower()).strip("-")
    return words if re.search("[a-z]", words) and words != "localhost" else "local"
