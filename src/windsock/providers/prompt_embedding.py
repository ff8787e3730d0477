"""Optional: a few more numbers about a prompt, from any OpenAI-compatible embeddings endpoint.

Off by default, since the prompt's text goes to that endpoint and the answer waits for it. Whatever
goes wrong there, the request goes on without: the numbers are zero then.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import orjson

from windsock.core.model.arrays import FloatArray
from windsock.errors import ProviderError
from windsock.providers.transport import Caller, Endpoint
from windsock.wire.prompt_features import texts_of

NUMBERS = 8
"""Fixed projections of an embedding that join the features."""

MAX_CHARACTERS = 2_000
"""Of a prompt, its last ones: what is asked stands there."""

NOTHING_KNOWN = (0.0,) * NUMBERS
PATH = "/embeddings"


class Embedder:
    """Asks one endpoint for the embedding of a prompt, within `timeout_s`."""

    def __init__(self, *, caller: Caller, endpoint: Endpoint, model: str, timeout_s: float) -> None:
        self._caller = caller
        self._endpoint = endpoint
        self._model = model
        self._timeout_s = timeout_s

    async def numbers(self, raw: bytes) -> tuple[float, ...]:
        """NUMBERS numbers about a chat body, all 0 if no embedding came in time."""
        text = "\n".join(texts_of(orjson.loads(raw)))[-MAX_CHARACTERS:]
        body = orjson.dumps({"model": self._model, "input": text})
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await self._caller.post(self._endpoint, PATH, body)
                try:
                    answer = await reply.body()
                finally:
                    await reply.close()
            return projected(_vector(orjson.loads(answer)))
        except (TimeoutError, ProviderError, ValueError, LookupError, TypeError):
            return NOTHING_KNOWN


def projected(vector: Sequence[float]) -> tuple[float, ...]:
    """The vector at unit length along NUMBERS fixed directions; raises ValueError if it is none."""
    x = np.array(vector, dtype=np.float64)
    norm = float(np.linalg.norm(x))
    if x.ndim != 1 or not 0.0 < norm < np.inf:
        raise ValueError("no embedding")
    return tuple((0.5 * (_directions(len(x)) @ (x / norm))).tolist())


def _vector(answer: Any) -> list[float]:
    found = answer["data"][0]["embedding"]
    if not isinstance(found, list):
        raise ValueError("embedding is no list of numbers")
    return found


@cache
def _directions(dimension: int) -> FloatArray:
    """(NUMBERS, dimension) signs, the same in every process."""
    signs = [
        [1.0 if zlib.crc32(f"{row}.{column}".encode()) & 1 else -1.0 for column in range(dimension)]
        for row in range(NUMBERS)
    ]
    return np.array(signs)
