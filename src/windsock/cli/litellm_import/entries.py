"""Deployments of the list: each becomes a candidate of the route that is named as its group."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from windsock.cli.litellm_import.accounts import Named, account, is_served, named
from windsock.cli.litellm_import.imported import Imported, Table
from windsock.cli.litellm_import.models import known_models
from windsock.cli.litellm_import.words import ACCOUNT, FACTS, OF_A_DEPLOYMENT, SILENT, UNKNOWN
from windsock.core.model.abilities.modes import IN_WORDS
from windsock.core.model.ticks import CHAT, Tier
from windsock.core.model.units import MAIN_METERS, Meter, Prices
from windsock.feeds.definition import load_feed
from windsock.feeds.reader import PriceRow, read
from windsock.providers.presets import provider_names
from windsock.resources import folder

Params = Mapping[str, Any]


def take_entry(found: Imported, entry: Any, environ: Mapping[str, str]) -> None:
    """One entry of `model_list`; what it states and cannot be carried is noted."""
    params = entry.get("litellm_params") if isinstance(entry, dict) else None
    if not isinstance(params, dict) or not params.get("model"):
        found.note("left out", "it names no model", str(entry)[:80])
        return
    info = entry.get("model_info")
    info = info if isinstance(info, dict) else {}
    group = str(entry.get("model_name") or params["model"])
    who = named(params, environ)
    if who is None:
        found.note(
            "left out",
            "the variable that names its model is not set; set it and import again",
            f"{group}, {params['model']}",
        )
    elif provider := _provider(found, group, who, params):
        if "*" in who.model:
            _add_known(found, group, who, provider)
        else:
            _add(found, group, f"{provider}/{who.model}", params, info)
            _note_unpriced(found, who, provider)
        _note_params(found, group, {**info, **params})


def is_wildcard(entry: Any) -> bool:
    """Whether an entry stands for many models."""
    params = entry.get("litellm_params") if isinstance(entry, dict) else None
    return isinstance(params, dict) and "*" in str(params.get("model"))


def _provider(found: Imported, group: str, who: Named, params: Params) -> str | None:
    """The name of the provider's table; None, with a note, where it cannot be called."""
    if not who.model:
        found.note("left out", "it names no model", group)
        return None
    if not is_served(who):
        found.note(
            f"left out, as it is not at the endpoint by which {who.provider} is called",
            "name another provider of it",
            f"{group}, {params['model']}",
        )
        return None
    made = account(found, who, params)
    if made is None:
        found.note(
            f"left out, as no address is known for the provider {who.provider!r}",
            "state one as api_base, or name a provider of docs/providers.md",
            group,
        )
    return made


def _add_known(found: Imported, group: str, who: Named, provider: str) -> None:
    """Every model that a `*` is known to stand for, under the name that clients use."""
    names = known_models(who.preset, who.model) if who.preset else []
    what = f"a wildcard beyond the {len(names)} models that the packaged price list names"
    found.note(what, f'add [deployments."{provider}/NAME"] for each other one', group)
    for model in names:
        name, deployment = group.replace("*", _filling(who.model, model)), f"{provider}/{model}"
        if name in (deployment, model):
            found.deployments.setdefault(deployment, {})
        else:
            found.routes.setdefault(name, {"candidates": [deployment]})


def _filling(pattern: str, model: str) -> str:
    """What the `*` of a pattern stands for in a model that matches it."""
    head, _, tail = pattern.partition("*")
    return model[len(head) : len(model) - len(tail)]


def _add(found: Imported, group: str, deployment: str, params: Params, info: Params) -> None:
    """The candidate, its facts and the limits of time that its route takes from it."""
    if facts := _facts(found, deployment, params, info):
        found.deployments.setdefault(deployment, {}).update(facts)
    _join(found.routes.setdefault(group, {"candidates": []}), deployment, params)


def _join(route: Table, deployment: str, params: Params) -> None:
    """A candidate, or, behind others by its `order`, a fallback; the longest limit holds."""
    if deployment not in route["candidates"]:
        route["candidates"].append(deployment)
    if isinstance(params.get("order"), int):
        route.setdefault("_order", {})[deployment] = params["order"]
    for key, name in (("timeout", "answer_timeout"), ("stream_timeout", "first_byte_timeout")):
        if (limit := number_in(params.get(key))) is not None:
            route[name] = max(limit, route.get(name, 0.0))


def number_in(value: Any) -> float | None:
    """A number above 0, such as a limit of time in s; None if none is stated."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if found > 0 else None


def _facts(found: Imported, deployment: str, params: Params, info: Params) -> Table:
    """What [deployments.NAME] states."""
    facts: Table = {}
    base = info.get("base_model") or params.get("base_model")
    if base:
        seller = deployment.partition("/")[0]
        preset = found.providers.get(seller, {}).get("preset", seller)
        facts["price_names"] = _price_names(preset, str(base))
    able = {
        name: info[key]
        for key, name in FACTS.items()
        if isinstance(info.get(key), bool) or (isinstance(info.get(key), int) and info[key] > 0)
    }
    if able:
        facts["capabilities"] = able
    price = _price(found, deployment, {**info, **params})
    return facts | ({"price": price} if price else {})


def _price_names(preset: str, base: str) -> list[str]:
    """Under what lists quote the model that a name of the owner's own stands for."""
    provider, _, model = base.partition("/")
    if not model:
        return [f"{preset}/{base}", f"openai/{base}"]
    seller = provider_names().split_region(provider)[0]
    return [f"{seller}/{model}", *([f"openai/{model}"] if seller == "azure" else [])]


def _price(found: Imported, deployment: str, stated: Params) -> Table:
    """A price stated in the file, read as LiteLLM's own list is; {} if there is none."""
    words = {key: value for key, value in stated.items() if "cost" in key or key == "mode"}
    if not any("cost" in key for key in words):
        return {}
    body = json.dumps({"x": {**words, "litellm_provider": "x", "mode": words.get("mode")}})
    rows = read(_list(), body.encode(), seen_at=0.0).rows
    if not rows or (rows[0].mode == CHAT and not rows[0].usd_per_mtok.keys() >= set(MAIN_METERS)):
        found.note(
            "its price, which is not whole",
            "state input and output in [deployments.NAME] price",
            deployment,
        )
        return {}
    if rows[0].mode not in IN_WORDS:
        found.note("its price", f"no model that does {rows[0].mode} is asked", deployment)
        return {}
    return _as_stated(rows[0])


def _list() -> Any:
    """The declaration by which LiteLLM's list is read, also where it is but one row."""
    declared = load_feed(folder("pricefeeds", "feed.toml", "litellm"))
    return declared.model_copy(update={"least_rows": 0})


def _as_stated(row: PriceRow) -> Table:
    """As [deployments.NAME] price states it, USD per million."""
    price = _terms(row.usd_per_mtok)
    if row.mode != CHAT:
        price["mode"] = row.mode
    if row.tiers:
        price["tiers"] = [_tier(each) for each in row.tiers]
    if row.service_tiers:
        price["service_tiers"] = {name: _terms(each) for name, each in row.service_tiers.items()}
    return price if any(row.usd_per_mtok.values()) else {**price, "reason": "stated as free"}


def _tier(tier: Tier) -> Table:
    served = {"service_tier": tier.service_tier} if tier.service_tier else {}
    return {
        "min_prompt_tokens": tier.min_prompt_tokens,
        "strict": tier.is_strict,
        **served,
        **_terms(tier.usd_per_mtok),
    }


def _terms(prices: Prices) -> Table:
    return {Meter(meter).value: _number(usd) for meter, usd in prices.items()}


def _number(usd: Decimal) -> float | int:
    return int(usd) if usd == usd.to_integral_value() else float(usd)


def _note_unpriced(found: Imported, who: Named, provider: str) -> None:
    """What no list can know: a model of one's own name at somebody's server."""
    deployment = f"{provider}/{who.model}"
    stated = {**found.providers.get(provider, {}), **found.deployments.get(deployment, {})}
    if who.preset is None and not {"price", "price_names"} & stated.keys():
        instead = "state it in [deployments.NAME] price; nothing is sent where no price is known"
        found.note("a price, which no list has", instead, deployment)


def _note_params(found: Imported, group: str, stated: Params) -> None:
    """What the entry states beside what was carried."""
    for key, value in stated.items():
        is_carried = key in SILENT or key in FACTS or key in ACCOUNT or "cost" in key
        if value is None or (is_carried and key not in OF_A_DEPLOYMENT):
            continue
        found.note(key, OF_A_DEPLOYMENT.get(key, UNKNOWN), group)
