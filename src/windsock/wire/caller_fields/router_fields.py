"""OpenRouter's fields beside `provider`: kept to, left out by name, or refused with the reason.

https://openrouter.ai/docs/api/reference/overview
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from windsock.errors import BadRequest
from windsock.wire.caller_fields.ranges import Ranged

ROUTER_FIELDS = ("models", "provider", "session_id", "route", "transforms", "usage", "plugins",
                 "debug", "preset", "stop_server_tools_when", "trace", "unit_tests")  # fmt: skip
"""All of them, and our own: whatever the format in front, they mean the same."""

UNHEEDED = ("trace",)
"""Those that change nothing of an answer, and that nobody here acts on."""

SERVER_TOOL = b'"openrouter:'
"""How the names of tools begin that OpenRouter runs itself."""

PLAIN_SEARCH = {"id", "enabled"}
"""What the plugin `web` may say so that any search will do."""


class RouterFields(Ranged, kw_only=True):
    """The fields, as far as they have a type, beside those with a range."""

    route: str | None = None
    transforms: list[str] | None = None
    usage: dict[str, Any] | None = None
    plugins: list[dict[str, Any]] | None = None
    debug: dict[str, Any] | None = None
    preset: str | None = None
    stop_server_tools_when: Any = None
    trace: Any = None
    unit_tests: str | None = None

    @property
    def unheeded(self) -> tuple[str, ...]:
        """The names of what is left out."""
        return tuple(name for name in UNHEEDED if getattr(self, name) is not None)


def needs_of(fields: RouterFields, tools: bytes = b"") -> Iterator[str]:
    """What a request with these fields, and these tools, needs of a deployment.

    raises  BadRequest for what nobody can do for it
    """
    if fields.transforms:
        raise _refused("transforms", "prompts are sent as they are; shorten it, or send []")
    if fields.route not in (None, "fallback"):
        raise BadRequest('route must be "fallback"; leave it out', param="route")
    if fields.preset:
        raise _refused("preset", "presets are kept at OpenRouter; name a route of [routes] instead")
    if (fields.debug or {}).get("echo_upstream_body"):
        raise _refused("debug", "bodies are not echoed; /v1/decisions/ID tells who was asked what")
    if SERVER_TOOL in tools or fields.stop_server_tools_when:
        yield "plugins"
    for plugin in fields.plugins or ():
        if plugin.get("enabled") is not False:
            is_search = plugin.get("id") == "web" and plugin.keys() <= PLAIN_SEARCH
            yield "web_search" if is_search else "plugins"


def _refused(name: str, reason: str) -> BadRequest:
    return BadRequest(f"{name} cannot be kept to: {reason}", param=name)
