"""The models that a client may ask for, as Gemini's API lists them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from windsock.errors import BadRequest
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.model_routes import model_view, names_of
from windsock.service.key_limits import check_names, may_name

METHODS = ("generateContent", "streamGenerateContent", "countTokens", "embedContent",
           "batchEmbedContents")  # fmt: skip

MOST = 1000
"""Models of one page."""


def gemini_model_routes(insight: Insight) -> APIRouter:
    """GET /v1beta/models, /v1beta/models/{id}: for whoever may call one, too."""
    router, clock = insight.router, insight.clock
    routes = APIRouter(tags=["inspect"])
    Caller = Annotated[Principal, Depends(insight.allowed("read", "infer"))]  # noqa: N806
    Size = Annotated[int, Query(alias="pageSize", ge=0)]  # noqa: N806
    Token = Annotated[str, Query(alias="pageToken")]  # noqa: N806

    @routes.get("/v1beta/models", summary="Models, as Gemini's API lists them")
    def models(caller: Caller, size: Size = 50, token: Token = "") -> dict[str, Any]:
        known, now = names_of(router), clock.now()
        names = [name for name in known if may_name(caller, name, router.resolve)]
        start = _start(token)
        end = start + min(size or 50, MOST)
        views = [gemini_view(model_view(router, name, 0, now)) for name in names[start:end]]
        return {"models": views} | ({"nextPageToken": str(end)} if end < len(names) else {})

    @routes.get("/v1beta/models/{name:path}", summary="One model, as Gemini's API tells it")
    def model(name: str, caller: Caller) -> dict[str, Any]:
        check_names(caller, [name], router.resolve)
        return gemini_view(model_view(router, name, 0, clock.now()))

    return routes


def gemini_view(view: dict[str, Any]) -> dict[str, Any]:
    """Google's fields of a model, from OpenAI's and OpenRouter's; unknown ones are left out."""
    limits = {
        "inputTokenLimit": view["context_length"],
        "outputTokenLimit": view["max_output_tokens"],
    }
    return {
        "name": f"models/{view['id']}",
        "baseModelId": view["id"],
        "version": "1",
        "displayName": view["name"],
        "supportedGenerationMethods": list(METHODS),
        **{name: limit for name, limit in limits.items() if limit is not None},
    }


def _start(token: str) -> int:
    if token and not (token.isascii() and token.isdigit()):
        raise BadRequest("pageToken must be a nextPageToken of this list", param="pageToken")
    return int(token or 0)
