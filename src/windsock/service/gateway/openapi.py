"""The data plane in the OpenAPI document: FastAPI describes what it does not run."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from windsock.service.connections.paths import GEMINI_CALLS

ERRORS = {
    "400": "bad request",
    "401": "no key, or an unknown one",
    "402": "the budget is spent",
    "403": "the key lacks the scope",
    "404": "unknown route, deployment or model, with the nearest name",
    "413": "the body is too large",
    "422": "no candidate can serve it, with each reason",
    "429": "every candidate is rate limited; Retry-After",
    "502": "every attempt failed",
    "503": "no healthy priced candidate",
    "504": "no answer in time",
}


def _operation(summary: str, required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "required": required, "properties": properties}
    answers: dict[str, Any] = {"200": {"description": "the answer"}}
    answers |= {status: {"description": text} for status, text in ERRORS.items()}
    return {
        "post": {
            "tags": ["data plane"],
            "summary": summary,
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "responses": answers,
        }
    }


_TEXT = {"type": "string"}
_CHAT = {
    "model": {**_TEXT, "description": "a route, a deployment id, or a bare model id"},
    "models": {"type": "array", "items": _TEXT, "description": "ordered fallbacks"},
    "messages": {"type": "array", "items": {"type": "object"}},
    "stream": {"type": "boolean"},
    "metadata": {"type": "object", "description": "task: what kind of request it is"},
    "provider": {"type": "object", "description": "order, only, ignore, sort, max_price, ..."},
}
_CONTENT: dict[str, Any] = {
    "contents": {"type": "array", "items": {"type": "object"}},
    "generationConfig": {"type": "object"},
    "tools": {"type": "array", "items": {"type": "object"}},
}
_GEMINI: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "generateContent": (
        "Gemini's generateContent, asked of any deployment; errors in Google's form",
        ["contents"],
        _CONTENT,
    ),
    "streamGenerateContent": (
        "The same as a stream: events with ?alt=sse, else one JSON array",
        ["contents"],
        _CONTENT,
    ),
    "countTokens": (
        "An estimate of a prompt's tokens from its size, in Google's format",
        ["contents"],
        {"contents": _CONTENT["contents"]},
    ),
    "embedContent": (
        "The embedding of one text, in Google's format",
        ["content"],
        {"content": {"type": "object"}, "outputDimensionality": {"type": "integer"}},
    ),
    "batchEmbedContents": (
        "The embeddings of several texts, in Google's format",
        ["requests"],
        {"requests": {"type": "array", "items": {"type": "object"}}},
    ),
}


def _of_model(operation: dict[str, Any]) -> dict[str, Any]:
    """An operation whose path names the model."""
    place = {"name": "model", "in": "path", "required": True, "schema": _TEXT}
    operation["post"]["parameters"] = [place]
    return operation


_SCORES = {
    "/v1/feedback/rows": "our own rows as JSON, JSON lines or CSV",
    "/v1/feedback/otel": "OpenTelemetry's evaluation events, OTLP in JSON",
    "/v1/feedback/langfuse": "as Langfuse's API, batches and exports hold them",
    "/v1/feedback/langsmith": "LangSmith's feedback, and webhooks of its rules",
    "/v1/logs": "OTLP in JSON or protobuf; log records that are no evaluation are passed over",
    "/v1/traces": "OTLP in JSON or protobuf; spans without an evaluation event are passed over",
}

PATHS = {
    **{GEMINI_CALLS + name: _of_model(_operation(*told)) for name, told in _GEMINI.items()},
    "/v1/chat/completions": _operation(
        "OpenAI's chat completions, routed; unknown fields go upstream untouched",
        ["model", "messages"],
        _CHAT,
    ),
    "/v1/embeddings": _operation(
        "OpenAI's embeddings, routed like chat completions",
        ["model", "input"],
        {
            "model": _CHAT["model"],
            "input": {"description": "a text, a list of texts, or tokens"},
            "models": _CHAT["models"],
            "provider": _CHAT["provider"],
        },
    ),
    "/v1/messages": _operation(
        "Anthropic's messages, asked of any deployment; errors and streams in that format",
        ["model", "messages"],
        {
            **_CHAT,
            "max_tokens": {"type": "integer"},
            "system": {"description": "a text, or a list of text blocks"},
            "tools": {"type": "array", "items": {"type": "object"}},
        },
    ),
    "/v1/responses/input_tokens": _operation(
        "The tokens of a prompt in OpenAI's format, as counted where it is spoken, else estimated",
        ["model", "input"],
        {"model": _CHAT["model"], "input": {"description": "a text, or a list of items"}},
    ),
    "/v1/messages/count_tokens": _operation(
        "The tokens of a prompt in Anthropic's format, counted where it is spoken, else estimated",
        ["model", "messages"],
        {"model": _CHAT["model"], "messages": _CHAT["messages"]},
    ),
    "/v1/responses": _operation(
        "OpenAI's responses, asked of any deployment; nothing is stored",
        ["model", "input"],
        {
            **{name: _CHAT[name] for name in ("model", "models", "stream", "metadata", "provider")},
            "input": {"description": "a text, or a list of items"},
            "instructions": _TEXT,
            "tools": {"type": "array", "items": {"type": "object"}},
        },
    ),
    "/v1/completions": _operation(
        "OpenAI's legacy completions, asked of chat models",
        ["model", "prompt"],
        {
            **{name: _CHAT[name] for name in ("model", "models", "stream", "metadata", "provider")},
            "prompt": {"description": "one text"},
        },
    ),
    "/v1/route": _operation(
        "The decision without the call; the caller makes it and reports back",
        ["model", "messages"],
        _CHAT,
    ),
    "/v1/feedback": _operation(
        "The value of an answer, late, partial or twice; header Idempotency-Key",
        ["decision_id", "value"],
        {
            "decision_id": {**_TEXT, "description": "or the id of the answer"},
            "value": {"oneOf": [{"type": "boolean"}, {"type": "number"}]},
            "metric": _TEXT,
            "source": _TEXT,
        },
    ),
    **{
        path: _operation(f"Scores of answers, many at a time: {told}", [], {})
        for path, told in _SCORES.items()
    },
}


def describe_data_plane(app: FastAPI) -> None:
    """Add the data plane's calls to the application's OpenAPI document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            app.openapi_schema["paths"] |= PATHS
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
