"""What the names may be that callers choose: many of them are kept, and shown."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

from windsock.errors import BadRequest

MOST_CHARS = 128
"""Of a task, a session, a provider, a tier of service."""

MOST_MODEL_CHARS = 256
"""Of a model or a deployment: some hold a whole path of an account's."""

MOST_MODELS = 64
"""Named in one request."""

MOST_PLACES = 256
"""Deployments or providers named in one list."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Speaks to the terminal that a name is shown in."""

Name = Annotated[str, Meta(max_length=MOST_CHARS)]
Model = Annotated[str, Meta(max_length=MOST_MODEL_CHARS)]
Models = Annotated[list[Model], Meta(max_length=MOST_MODELS)]
Places = Annotated[list[Model], Meta(max_length=MOST_PLACES)]


def check_name(name: str, param: str, *, most: int = MOST_CHARS) -> str:
    """The name itself; raises BadRequest if it is longer or holds a control character."""
    if CONTROL.search(name):
        raise BadRequest(f"{param} holds a control character; leave it out", param=param)
    return check_length(name, param, most=most)


def check_length(name: str, param: str, *, most: int = MOST_CHARS) -> str:
    """The name itself; raises BadRequest if it has more than `most` characters."""
    if len(name) > most:
        raise BadRequest(f"{param} has more than {most} characters; shorten it", param=param)
    return name
