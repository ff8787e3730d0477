"""The FastAPI application: inspection, health, the dashboard. The data plane stands before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from windsock import __version__
from windsock.clock import Clock
from windsock.core.routing.router import Router
from windsock.errors import WindsockError
from windsock.observability.background import Supervisor
from windsock.resources.declared import fault_sentence
from windsock.service.connections.paths import in_format_of, unsupported
from windsock.service.control.access_check import Insight
from windsock.service.control.metrics import Metrics
from windsock.service.control.page.files import page_file
from windsock.service.error_responses import Problem, internal, problem_of
from windsock.service.gateway.openapi import describe_data_plane
from windsock.wire.caller_fields.complaints import no_json

KEYS_TASK = "keys"
"""The background task without which a revoked key would be let in."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@dataclass(slots=True, kw_only=True)
class Readiness:
    """Whether traffic may come: set by the composition root and by shutdown.

    tasks           in the background; those every request rests on keep traffic away while down
    is_admitting    False while every call would be refused, since no key could be read yet
    degraded        what does not work just now, by part; traffic may come all the same
    """

    tasks: Supervisor
    is_admitting: Callable[[], bool] = lambda: True
    is_loaded: bool = False
    is_draining: bool = False
    degraded: dict[str, str] = field(default_factory=dict)


def create_app(
    *,
    insight: Insight,
    readiness: Readiness,
    metrics: Metrics,
    parts: Sequence[APIRouter],
    lifespan: Lifespan,
) -> FastAPI:
    """The application around these routers."""
    app = FastAPI(
        title="windsock",
        version=__version__,
        description="The LLM router that turns with the price wind.",
        lifespan=lifespan,
        openapi_url=None,
    )
    app.add_exception_handler(WindsockError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_unknown)
    app.add_exception_handler(Exception, _on_failure)
    app.include_router(_health_routes(insight.router, insight.clock, readiness))
    if insight.metrics != "off":
        app.include_router(_metrics_route(metrics, insight.behind(insight.metrics, "metrics")))
    if insight.docs != "off":
        app.include_router(_docs_routes(app, insight.behind(insight.docs, "read")))
    for part in parts:
        app.include_router(part)
    describe_data_plane(app)
    return app


def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, WindsockError)
    return _response(request, problem_of(error))


def _on_unknown(request: Request, error: Exception) -> Response:
    """No such call, or nothing that can be read as one."""
    assert isinstance(error, HTTPException)
    if error.status_code in (404, 405):
        path, is_method = request.scope["path"], error.status_code == 405
        return _response(request, unsupported(request.method, path, is_method=is_method))
    return _response(request, Problem.of(error.status_code, str(error.detail)))


def _on_failure(request: Request, _: Exception) -> Response:
    """Ours; the server logs it."""
    return _response(request, internal())


NO_OBJECT = "the body must be a JSON object, sent with content-type: application/json"
"""Only so declared: a page elsewhere can make a browser send what says nothing of its type."""


def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fault = error.errors()[0]
    if fault["type"] == "json_invalid":
        error = no_json(str(error.body).encode(), ValueError(fault["ctx"]["error"]))
        return _response(request, problem_of(error))
    place = [str(part) for part in fault["loc"][1:]]
    if not place and fault["type"] != "value_error":
        return _response(request, Problem.of(400, NO_OBJECT))
    return _response(request, Problem.of(400, fault_sentence(fault, place), param=".".join(place)))


def _response(request: Request, problem: Problem) -> Response:
    """In the format in which this client reads errors."""
    problem = in_format_of(request.scope["path"], dict(request.scope["headers"]), problem)
    headers = {name.decode(): value.decode() for name, value in problem.headers}
    return Response(
        problem.body, status_code=problem.status, headers=headers, media_type="application/json"
    )


def _metrics_route(metrics: Metrics, door: Sequence[Any]) -> APIRouter:
    routes = APIRouter(tags=["health"], dependencies=door)

    @routes.get("/metrics", summary="Figures for Prometheus")
    async def scrape() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes


def _docs_routes(app: FastAPI, door: Sequence[Any]) -> APIRouter:
    """What every call takes and answers; the page shows it without anything from elsewhere."""
    routes = APIRouter(include_in_schema=False, dependencies=door)

    @routes.get("/openapi.json")
    async def document() -> dict[str, Any]:
        return app.openapi()

    @routes.get("/docs")
    async def page() -> Response:
        return page_file("index.html")

    return routes


def _health_routes(router: Router, clock: Clock, readiness: Readiness) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz", summary="Whether the process answers")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @routes.get("/readyz", summary="Whether requests should come")
    async def readyz(response: Response) -> dict[str, Any]:
        usable, faults = _readiness(router, clock.now(), readiness)
        response.status_code = 503 if faults else 200
        return {
            "status": "; ".join(faults) or "ready",
            "usable_deployments": usable,
            "degraded": readiness.degraded
            | {f"task {name}": error for name, error in readiness.tasks.down().items()}
            | {f"errors at {e.deployment}": str(e) for e in router.health.errors.rises()},
        }

    for path in ("/health", "/health/liveliness", "/health/liveness"):
        routes.add_api_route(path, healthz, include_in_schema=False)
    routes.add_api_route("/health/readiness", readyz, include_in_schema=False)
    return routes


def _readiness(router: Router, now: float, readiness: Readiness) -> tuple[int, list[str]]:
    """How many deployments may be drawn, and what keeps traffic away."""
    names = router.catalog.deployments
    usable = sum(router.availability.is_open(name, now) for name in names)
    faults = {
        "still starting": not readiness.is_loaded,
        "shutting down": readiness.is_draining,
        "no deployment is priced and healthy": not usable,
        "the keys cannot be read": not readiness.is_admitting(),
        "revoked keys are not noticed": KEYS_TASK in readiness.tasks.down(),
    }
    return usable, [name for name, holds in faults.items() if holds]
