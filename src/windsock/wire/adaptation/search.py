"""A web search that a request asks for in the router's words, told in a provider's."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import orjson

from windsock.wire.request import UpstreamRequest

PLUGIN = {"id": "web"}


def with_search(request: UpstreamRequest, *, as_plugin: bool) -> UpstreamRequest:
    """The request with a search: OpenAI's `web_search_options`, or OpenRouter's plugin.

    What the caller states of a search himself is kept.
    """
    fields = dict(request.fields)
    if as_plugin:
        plugins = orjson.loads(bytes(fields.get("plugins", b"[]"))) or []
        if any(each.get("id") == PLUGIN["id"] for each in plugins):
            return request
        fields["plugins"] = msgspec.Raw(orjson.dumps([*plugins, PLUGIN]))
    else:
        fields.setdefault("web_search_options", msgspec.Raw(b"{}"))
    made = replace(request, raw=msgspec.json.encode(fields), search_size=request.search_size or "")
    made.kept_fields = fields
    return made
