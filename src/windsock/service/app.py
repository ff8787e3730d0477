"""The FastAPI application: inspection, health, the dashboard. The data plane stands before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from windsock import __version__
from windsock.clock import Clock
from windsock.core.router import Router
from windsock.errors import BadRequest, NoCandidate, StoreError, UnknownRoute, WindsockError
from windsock.service.access import AccessDenied
from windsock.service.metrics import Metrics

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@dataclass(slots=True)
class Readiness:
    """Whether traffic may come: set by the composition root and by shutdown."""

    is_loaded: bool = False
    is_draining: bool = False
    degraded: dict[str, str] = field(default_factory=dict)


def create_app(
    *,
    router: Router,
    clock: Clock,
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
    )
    app.add_exception_handler(WindsockError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.include_router(_health_routes(router, clock, readiness, metrics))
    for part in parts:
        app.include_router(part)
    return app


def status_of(error: WindsockError) -> int:
    """The HTTP status that tells the caller who must act."""
    match error:
        case AccessDenied():
            return error.status
        case BadRequest():
            return 400
        case UnknownRoute():
            return 404
        case NoCandidate():
            if error.is_lasting:
                return 422
            return 429 if error.retry_after_s is not None else 503
        case StoreError():
            return 503
    return 500


def error_body(
    message: str, *, kind: str, param: str | None = None, code: str | None = None
) -> Any:
    """OpenAI's four fields."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _on_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, WindsockError)
    status = status_of(error)
    kind = "invalid_request_error" if status < 500 else "server_error"
    body = error_body(str(error), kind=kind, param=getattr(error, "param", None))
    return JSONResponse(body, status_code=status)


def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fault = error.errors()[0]
    place = ".".join(str(part) for part in fault["loc"] if part not in ("body", "query"))
    body = error_body(f"{place}: {fault['msg']}", kind="invalid_request_error", param=place)
    return JSONResponse(body, status_code=400)


def _health_routes(
    router: Router, clock: Clock, readiness: Readiness, metrics: Metrics
) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    @routes.get("/health/liveliness", include_in_schema=False)
    @routes.get("/health/liveness", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @routes.get("/readyz")
    @routes.get("/health/readiness", include_in_schema=False)
    async def readyz(response: Response) -> dict[str, Any]:
        usable = [n for n in router.catalog.deployments if router.is_open(n, clock.now())]
        faults = []
        if not readiness.is_loaded:
            faults.append("still starting")
        if readiness.is_draining:
            faults.append("shutting down")
        if not usable:
            faults.append("no deployment is priced and healthy")
        response.status_code = 503 if faults else 200
        return {
            "status": "; ".join(faults) or "ready",
            "usable_deployments": len(usable),
            "degraded": readiness.degraded,
        }

    @routes.get("/metrics")
    async def scrape() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes
