"""The models that a client may ask for, as OpenAI and OpenRouter list them.

Clients of Anthropic, who name a version of its API, get its fields too.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header

from windsock.core.model.catalog import Deployment
from windsock.core.model.requests import NEED_BY_FIELD, RouteRequest
from windsock.core.model.units import Meter, Prices
from windsock.core.routing.naming.patterns import is_glob
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Route
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.asked import DeploymentName
from windsock.service.control.schemas.prices import usd_per_unit
from windsock.service.key_limits import check_names, may_name

METERS = {
    "prompt": Meter.INPUT,
    "completion": Meter.OUTPUT,
    "input_cache_read": Meter.CACHE_READ,
    "request": Meter.REQUEST,
}
"""OpenRouter's names of prices."""

OUTPUTS = {
    "image_generation": "image",
    "audio_speech": "audio",
    "embedding": "embeddings",
    "rerank": "rerank",
}
"""What models of a kind that give no text give, as OpenRouter calls it."""

PARAMETERS = (
    "max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "stop", "seed",
    "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs",
    "response_format", "structured_outputs", "tools", "tool_choice", "parallel_tool_calls",
)  # fmt: skip
"""OpenAI's fields of a chat completion: taken unless it is known that one is not."""

NEEDS = {
    **NEED_BY_FIELD,
    "response_format": "json_object",
    "structured_outputs": "json_schema",
    "parallel_tool_calls": "tools",
}
"""What a request with a field needs; who lacks it is not asked."""


Version = Annotated[str | None, Header()]
"""Of Anthropic's API; its clients name one in every call."""


def model_routes(insight: Insight) -> APIRouter:
    """GET /v1/models, /v1/models/{id}: for whoever may call one, too."""
    router, clock = insight.router, insight.clock
    began = int(clock.now())
    routes = APIRouter(tags=["inspect"])
    Caller = Annotated[Principal, Depends(insight.allowed("read", "infer"))]  # noqa: N806

    @routes.get("/v1/models", summary="Routes, aliases and deployments, with prices")
    def models(caller: Caller, anthropic_version: Version = None) -> dict[str, Any]:
        now = clock.now()
        names = (name for name in names_of(router) if may_name(caller, name, router.resolve))
        views = [model_view(router, name, began, now) for name in names]
        listed = {"object": "list", "data": views}
        return listed if anthropic_version is None else _as_anthropic_lists(listed)

    @routes.get("/v1/models/{name:path}", summary="One model, by any name it is asked by")
    def model(
        name: DeploymentName, caller: Caller, anthropic_version: Version = None
    ) -> dict[str, Any]:
        check_names(caller, [name], router.resolve)
        view = model_view(router, name, began, clock.now())
        return view if anthropic_version is None else _as_anthropic_tells(view)

    return routes


def names_of(router: Router) -> list[str]:
    """Routes, their aliases and deployments, each once; globs are no names to ask for."""
    aliases = (alias for route in router.routes.values() for alias in route.aliases)
    names = dict.fromkeys([*router.routes, *aliases, *router.catalog.deployments])
    return [name for name in names if not is_glob(name)]


def model_view(router: Router, name: str, began: int, now: float) -> dict[str, Any]:
    """OpenAI's four fields and OpenRouter's of a model; raises UnknownRoute.

    began   unix s since when models are listed, told where nobody knows a model's own age
    """
    known = router.catalog.deployments
    is_deployment = name in known and name not in router.routes
    route = None if is_deployment else router.resolve(RouteRequest(model=name))
    members = [known[each] for each in (route.candidates if route else (name,))]
    view = {
        "id": name,
        "object": "model",
        "created": began,
        "owned_by": "windsock",
        "context_length": _most(each.capabilities.context_tokens for each in members),
        "max_output_tokens": _most(each.capabilities.max_output_tokens for each in members),
        "architecture": _architecture(members),
        "pricing": _pricing(router, members, now),
        "supported_parameters": _supported(router, members, now),
    }
    return {**view, **(_of_route(route) if route else _of_deployment(members[0], began))}


def _as_anthropic_lists(listed: dict[str, Any]) -> dict[str, Any]:
    """All on one page."""
    views = [_as_anthropic_tells(view) for view in listed["data"]]
    ends = {
        f"{end}_id": views[place]["id"] if views else None
        for end, place in (("first", 0), ("last", -1))
    }
    return {**listed, "data": views, "has_more": False, **ends}


def _as_anthropic_tells(view: dict[str, Any]) -> dict[str, Any]:
    return {
        **view,
        "type": "model",
        "display_name": view["name"],
        "created_at": datetime.fromtimestamp(view["created"], UTC).isoformat(),
        "max_input_tokens": view["context_length"],
        "max_tokens": view["max_output_tokens"],
    }


def _of_deployment(deployment: Deployment, began: int) -> dict[str, Any]:
    released = deployment.released_at
    return {
        "created": began if released is None else int(released),
        "owned_by": deployment.provider,
        "name": deployment.model,
    }


def _of_route(route: Route) -> dict[str, Any]:
    return {"name": f"route {route.name}", "candidates": list(route.candidates)}


def _most(stated: Iterable[int | None]) -> int | None:
    """A prompt goes to those that hold it, so the largest that is known."""
    return max((each for each in stated if each is not None), default=None)


def _architecture(members: list[Deployment]) -> dict[str, list[str]]:
    has_vision = any(each.capabilities.vision for each in members)
    modes = {mode for each in members for mode in each.modes}
    has_audio = any(each.capabilities.audio for each in members) or "audio_transcription" in modes
    inputs = ["text", *["image"] * has_vision, *["audio"] * has_audio]
    outputs = [OUTPUTS[mode] for mode in OUTPUTS if mode in modes]
    has_text = any(not each.modes or each.modes - OUTPUTS.keys() for each in members)
    return {
        "input_modalities": inputs,
        "output_modalities": [*["text"] * has_text, *dict.fromkeys(outputs)],
    }


def _pricing(router: Router, members: list[Deployment], now: float) -> dict[str, str | None]:
    """USD per token or request; of several the dearest, so that nobody reckons too little."""
    prices = [found for each in members if (found := router.book.prices(each.id, now))]
    return {name: usd_per_unit(_dearest(prices, meter)) for name, meter in METERS.items()}


def _dearest(prices: list[Prices], meter: Meter) -> Decimal | None:
    return max((each[meter] for each in prices if meter in each), default=None)


def _supported(router: Router, members: list[Deployment], now: float) -> list[str]:
    """What one may send: of what rules a deployment out one must take it, of all else each."""
    refusals = [_refused_by(router, each, now) for each in members]
    how: dict[bool, Callable[[Iterable[bool]], bool]] = {True: any, False: all}
    return [
        field
        for field in PARAMETERS
        if how[field in NEEDS](field not in refused for refused in refusals)
    ]


def _refused_by(router: Router, deployment: Deployment, now: float) -> set[str]:
    """Fields that a deployment is known not to take."""
    has = deployment.capabilities
    lacks = {*deployment.lacks}
    lacks |= {"tools", "tool_choice"} if has.tools is False else set()
    lacks |= {"json_schema"} if has.json_schema is False else set()
    refused = {field for field, need in NEEDS.items() if need in lacks}
    return refused | router.catalog.fields_not_taken(deployment, now)
