"""What holds for groups and for the whole proxy: aliases, fallbacks, limits, keys, the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windsock.cli.litellm_import.caps import accounts_of, take_caps
from windsock.cli.litellm_import.entries import number_in
from windsock.cli.litellm_import.imported import Imported, Table, reference
from windsock.cli.litellm_import.words import (
    AT_THE_TOP,
    OF_A_CACHE,
    OF_ANSWERS,
    OF_LITELLM,
    OF_THE_PROXY,
    OF_THE_ROUTER,
    UNKNOWN,
)

FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
"""Lists of {group: [groups]}: a candidate here takes over for whatever reason another fails."""

EVERYBODY = "*"
MOST_ATTEMPTS, USUAL_ATTEMPTS = 20, 3
"""Of a route: what `max_attempts` may be, and what it is if not stated."""

Stated = Mapping[str, Any]


def take_groups(found: Imported, body: Stated) -> None:
    """Everything but the list of deployments."""
    router, litellm = _table(body, "router_settings"), _table(body, "litellm_settings")
    both = {**litellm, **router}
    for table in found.routes.values():
        _by_order(table)
    take_caps(found, router, litellm)
    targets = _aliases(found, router.get("model_group_alias"), dict(_pairs([router, litellm])))
    _fallbacks(found, [router, litellm], both.get("default_fallbacks"), targets)
    _filtered_elsewhere(found, [router, litellm])
    _limits(found, both)
    _keys(found, _table(body, "general_settings"))
    _cache(found, litellm)
    _logging(found, litellm)
    _discounts(found, litellm)
    _note_rest(found, body)


def _table(body: Stated, name: str) -> Table:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _by_order(table: Table) -> None:
    """Deployments of a later `order` are asked when those of the first have failed."""
    order = table.pop("_order", {})
    first = min(order.values(), default=0)
    later = [each for each in table["candidates"] if order.get(each, first) > first]
    if later:
        table["candidates"] = [each for each in table["candidates"] if each not in later]
        table["fallbacks"] = sorted(later, key=lambda each: order[each])


def _aliases(found: Imported, stated: Any, fallbacks: Stated) -> dict[str, str]:
    """Another name of a group is an alias of its route; with fallbacks of its own, or of several
    groups, a route with the same candidates. What each stands for."""
    targets = {}
    for alias, target in stated.items() if isinstance(stated, dict) else ():
        named = target.get("model") if isinstance(target, dict) else target
        groups = [str(each) for each in (named if isinstance(named, list) else [named])]
        tables = [_group(found, each) for each in groups]
        if len(groups) == 1 and groups[0] in found.routes and str(alias) not in fallbacks:
            tables[0].setdefault("aliases", []).append(str(alias))
            targets[str(alias)] = groups[0]
        elif candidates := [name for table in tables for name in table.get("candidates", ())]:
            table = {**tables[0], "candidates": list(dict.fromkeys(candidates))}
            found.routes[str(alias)] = {k: v for k, v in table.items() if k != "aliases"}
            targets[str(alias)] = groups[0]
        else:
            found.note("model_group_alias", "it names no group of the list", f"{alias} = {named}")
    return targets


def _group(found: Imported, name: str) -> Table:
    """The route of a group; one of a single deployment that is asked for by its own name."""
    own = [each for each in found.deployments if name in (each, each.partition("/")[2])]
    return found.routes.get(name) or ({"candidates": own[:1]} if own else {})


def _fallbacks(
    found: Imported, settings: list[Table], default: Any, targets: Mapping[str, str]
) -> None:
    """In the order of LiteLLM; those of everybody where a group has none of its own."""
    by_group: dict[str, list[str]] = {}
    for group, names in _pairs(settings):
        by_group.setdefault(group, []).extend(names)
    everybody = [*by_group.pop(EVERYBODY, []), *_names(default)]
    for group in dict.fromkeys([*by_group, *found.routes]):
        own = by_group.get(group) or by_group.get(targets.get(group, "")) or everybody
        named = [name if name in found.routes else targets.get(name, name) for name in own]
        _fall_back(found, group, [name for name in named if name != group])


def _fall_back(found: Imported, group: str, names: list[str]) -> None:
    """The fallbacks of one group, if it has any that the list knows."""
    table, known = _group(found, group), [name for name in names if _group(found, name)]
    for name in names:
        if name not in known:
            found.note("a fallback", "it names no group of the list", f"{group} to {name}")
    if known and table:
        table["fallbacks"] = list(dict.fromkeys([*table.get("fallbacks", ()), *known]))
        found.routes.setdefault(group, table)
    elif known:
        found.note("fallbacks", "they are of no group of the list", group)


def _filtered_elsewhere(found: Imported, settings: list[Table]) -> None:
    """Groups whose filtered requests are asked elsewhere."""
    stated = [{FALLBACKS[-1]: table.get(FALLBACKS[-1])} for table in settings]
    for group, _ in _pairs(stated):
        for name, route in found.routes.items():
            if group in (name, EVERYBODY):
                route["content_filter"] = "elsewhere"


def _pairs(settings: list[Table]) -> Iterator[tuple[str, list[str]]]:
    for table in settings:
        for key in FALLBACKS:
            stated = table.get(key)
            for each in stated if isinstance(stated, list) else [stated]:
                for group, names in each.items() if isinstance(each, dict) else ():
                    yield str(group), _names(names)


def _names(stated: Any) -> list[str]:
    """Groups by name; a fallback may also be written with parameters of its own."""
    entries = stated if isinstance(stated, list) else [stated] if stated else []
    named = (each.get("model") if isinstance(each, dict) else each for each in entries)
    return [str(each) for each in named if each]


def _limits(found: Imported, both: Stated) -> None:
    """Attempts and times that hold for every group that states none.

    Retries there are beside the fallbacks, attempts here are all calls for one request.
    """
    stated, limit = both.get("num_retries"), both.get("timeout") or both.get("request_timeout")
    retries = stated if isinstance(stated, int) and stated >= 0 else None
    for route in found.routes.values():
        attempts = (retries or 0) + 1 + len(route.get("fallbacks", ()))
        if retries is not None or attempts > USUAL_ATTEMPTS:
            route["max_attempts"] = min(MOST_ATTEMPTS, attempts)
        if (longest := number_in(limit)) is not None:
            route.setdefault("answer_timeout", longest)
        if (first := number_in(both.get("stream_timeout"))) is not None:
            route.setdefault("first_byte_timeout", first)


def _keys(found: Imported, general: Stated) -> None:
    """The master key opens everything here too; without it nobody needs a key."""
    if general.get("master_key"):
        found.server |= {"keys": "required", "admin_token": reference(general["master_key"])}
        found.note(
            "virtual keys, which LiteLLM keeps in its database",
            "make new ones by 'windsock keys create'; the master key works as before",
        )
    most = general.get("global_max_parallel_requests") or general.get("max_parallel_requests")
    if isinstance(most, int) and most > 0:
        found.server["max_concurrent"] = most
    if (megabytes := number_in(general.get("max_request_size_mb"))) is not None:
        found.server["max_body_mb"] = megabytes


def _cache(found: Imported, litellm: Stated) -> None:
    """Of whole answers to identical requests."""
    if litellm.get("cache") is not True:
        return
    params = _table(litellm, "cache_params")
    found.cache["enabled"] = True
    if (ttl := number_in(params.get("ttl"))) is not None:
        found.cache["ttl"] = ttl
    for name in params.keys() - CACHE:
        found.note(f"cache_params.{name}", OF_A_CACHE.get(name, UNKNOWN))
    kind, host = str(params.get("type", "redis")), params.get("host")
    found.note("a cache of every answer", OF_ANSWERS)
    if kind == "redis" and params.get("url"):
        found.cache["url"] = reference(params["url"])
    elif kind == "redis" and host:
        secret = f":{reference(params['password'])}@" if params.get("password") else ""
        port = reference(params.get("port") or 6379)
        scheme = "rediss" if params.get("ssl") is True else "redis"
        found.cache["url"] = f"{scheme}://{secret}{reference(host)}:{port}"
    elif kind == "redis":
        found.note(
            "a cache in Redis at the address that only the environment of LiteLLM states",
            "state it in [cache] url; until then answers are kept in memory",
        )
    elif kind != "local":
        found.note(
            f"a cache of type {kind}",
            "only identical requests are answered from [cache], in memory or in Redis",
        )


def _logging(found: Imported, litellm: Stated) -> None:
    if litellm.get("set_verbose") is True:
        found.server["log_level"] = "debug"
    if litellm.get("json_logs") is True:
        found.server["log_format"] = "json"


def _discounts(found: Imported, litellm: Stated) -> None:
    """Shares that are taken off what lists say of a provider."""
    for name, share in _table(litellm, "cost_discount_config").items():
        place, off = f"litellm_settings.cost_discount_config.{name}", number_in(share)
        accounts = accounts_of(found, str(name))
        for account in accounts if off is not None and off < 1 else ():
            found.providers.setdefault(account, {})["discount"] = off
        if not accounts:
            found.note(place, "none of the deployments is its")


CACHE = {"type", "url", "host", "port", "password", "ttl", "ssl"}
"""What of `cache_params` is carried."""

CARRIED = {
    "router_settings": {
        *FALLBACKS, "default_fallbacks", "model_group_alias", "num_retries", "timeout",
        "stream_timeout", "provider_budget_config",
    },
    "litellm_settings": {
        *FALLBACKS, "default_fallbacks", "num_retries", "request_timeout", "cache",
        "cache_params", "set_verbose", "json_logs", "max_budget", "budget_duration",
        "cost_discount_config",
    },
    "general_settings": {
        "master_key", "global_max_parallel_requests", "max_parallel_requests",
        "max_request_size_mb",
    },
}  # fmt: skip
"""What the functions above take, by table."""

INSTEAD = {
    "router_settings": OF_THE_ROUTER,
    "litellm_settings": OF_LITELLM,
    "general_settings": OF_THE_PROXY,
}


def _note_rest(found: Imported, body: Stated) -> None:
    """Every setting that was not carried, by name."""
    for table, instead in INSTEAD.items():
        for key, value in _table(body, table).items():
            if key not in CARRIED[table] and value is not None:
                found.note(f"{table}.{key}", instead.get(key, UNKNOWN))
    for key, value in body.items():
        if key not in INSTEAD and key != "model_list" and value is not None:
            found.note(key, AT_THE_TOP.get(key, UNKNOWN))
