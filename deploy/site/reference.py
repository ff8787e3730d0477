"""Pages of the reference, as Markdown, made from the code."""

from __future__ import annotations

import asyncio
import inspect
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args, get_origin

import httpx
import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from windsock.app.bootstrap import build
from windsock.cli import app as commands_app
from windsock.config.settings import Settings
from windsock.core.model.events import EventKind
from windsock.demo import demo_settings
from windsock.observability.event_names import LOG_ONLY

NO_PORT = 9

PLAIN: dict[Any, str] = {
    str: "text",
    int: "integer",
    float: "number",
    Decimal: "number",
    bool: "true or false",
}


def pages() -> dict[str, str]:
    """Markdown by the name of the page."""
    document, metrics = asyncio.run(_served())
    return {
        "commands": "\n".join(commands()),
        "settings": "\n".join(settings()),
        "http": "\n".join(http(document)),
        "events": "\n".join(events()),
        "metrics": "\n".join(metrics_table(metrics)),
    }


async def _served() -> tuple[dict[str, Any], str]:
    """What a service says of its own calls, and its metrics."""
    with tempfile.TemporaryDirectory() as folder:
        service = build(demo_settings(folder, NO_PORT), {})
        try:
            transport = httpx.ASGITransport(app=service.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                document = (await client.get("/openapi.json")).json()
                return document, (await client.get("/metrics")).text
        finally:
            service.ledger.close()
            service.engine.dispose()


def commands(group: Any = None, words: str = "windsock") -> Iterator[str]:
    """Every command with its arguments and options."""
    if group is None:
        group = typer.main.get_command(commands_app)
        yield "# Commands\n"
        yield "Exit codes: 0 ok, 1 the work failed, 2 usage or configuration, 130 interrupted.\n"
    for name, each in sorted(group.commands.items()):
        if hasattr(each, "commands"):
            yield from commands(each, f"{words} {name}")
        else:
            yield from _command(each, f"{words} {name}")


def _command(command: Any, words: str) -> Iterator[str]:
    context = typer.Context(command, info_name=words)
    yield f"## {words}\n\n{inspect.cleandoc(command.help or '')}\n"
    yield f"```text\n{command.get_usage(context)}\n```\n"
    rows = [_parameter(each) for each in command.params]
    yield from _table(("", "", "default"), rows)


def _parameter(each: Any) -> tuple[str, str, str]:
    names = ", ".join(f"`{name}`" for name in (each.opts if each.param_type_name == "option" else
                                               [each.name]))  # fmt: skip
    variable = f" (`{each.envvar}`)" if getattr(each, "envvar", None) else ""
    default = each.default if not callable(each.default) else None
    plain = "" if default in (None, False, ()) or "Sentinel" in repr(default) else f"`{default}`"
    return names, f"{each.help or ''}{variable}", plain


def settings() -> Iterator[str]:
    """Every table of windsock.toml."""
    yield "# windsock.toml\n"
    yield "Unknown keys are errors. `${NAME}` and `${NAME:-default}` are read from the environment."
    yield " Durations are written as `500ms`, `30s`, `5m`, `1h`, `7d`.\n"
    for place, model in _tables(Settings, ""):
        yield f"## {f'`[{place}]`' if place else 'Top of the file'}\n"
        yield f"```text\n{inspect.cleandoc(model.__doc__ or '')}\n```\n"
        rows = [
            (f"`{info.alias or key}`", f"`{_type(info.annotation)}`", _default(info))
            for key, info in model.model_fields.items()
            if not _model_of(info.annotation)
        ]
        yield from _table(("key", "type", "default"), rows)


def _tables(model: type[BaseModel], place: str) -> Iterator[tuple[str, type[BaseModel]]]:
    yield place, model
    for key, info in model.model_fields.items():
        inner = _model_of(info.annotation)
        if inner is not None:
            is_named = "dict" in str(info.annotation)
            below = f"{place}.{key}" if place else key
            yield from _tables(inner, f"{below}.NAME" if is_named else below)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The table that a key holds, or one of each of its entries."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_of, get_args(annotation))), None)


def _type(annotation: Any) -> str:
    """In the words of TOML."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(inner[0])
    if origin is Literal:
        return " or ".join(repr(each) for each in inner)
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return f"table of {_type(inner[1])}"
    if inner:
        return " or ".join(_type(each) for each in inner if each is not type(None))
    return PLAIN.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(info: Any) -> str:
    if info.default_factory is not None:
        return ""
    return "" if info.default in (None, PydanticUndefined) else f"`{info.default}`"


def http(document: dict[str, Any]) -> Iterator[str]:
    """Every call, by its group."""
    yield "# HTTP\n"
    yield "The same as `/openapi.json`, which `/docs` of a running service shows.\n"
    by_tag: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            by_tag.setdefault((call.get("tags") or ["other"])[0], []).append((method, path, call))
    for tag, calls in sorted(by_tag.items()):
        yield f"## {tag}\n"
        rows = [(f"`{method.upper()} {path}`", _asked(call), _words(call))
                for method, path, call in calls]  # fmt: skip
        yield from _table(("call", "parameters", ""), rows)


def _asked(call: dict[str, Any]) -> str:
    return ", ".join(f"`{each['name']}`" for each in call.get("parameters", ()))


def _words(call: dict[str, Any]) -> str:
    return " ".join((call.get("description") or call.get("summary") or "").split())


def events() -> Iterator[str]:
    """Names of all that a service tells."""
    yield "# Events and log lines\n"
    yield "What each means, and which alarms there are: [events](../events.md).\n"
    rows = [(f"`{name}`", "log, `/v1/events`, Atom, webhooks, metrics") for name in EventKind]
    yield from _table(
        ("name", "told in"), [*rows, *((f"`{name}`", "log") for name in sorted(LOG_ONLY))]
    )


def metrics_table(text: str) -> Iterator[str]:
    """Every metric of a service that has just started."""
    yield "# Metrics\n"
    yield "`GET /metrics`, in Prometheus' text format.\n"
    lines = [line.split(maxsplit=3) for line in text.splitlines() if line.startswith("# ")]
    helps = {words[2]: words[3] for words in lines if words[1] == "HELP"}
    kinds = {words[2]: words[3] for words in lines if words[1] == "TYPE"}
    yield from _table(("name", "type", ""), [(f"`{name}`", kinds.get(name, ""), text)
                                             for name, text in helps.items()])  # fmt: skip


def _table(head: tuple[str, ...], rows: Any) -> Iterator[str]:
    found = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    if found:
        for row in (head, ["---"] * len(head), *found):
            yield f"| {' | '.join(row)} |"
        yield ""
