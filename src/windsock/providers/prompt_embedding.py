"""Optional: a few more numbers about a prompt, from any OpenAI-compatible embeddings endpoint.

Off by default, since the prompt's text goes to that endpoint and the answer waits for it. Whatever
goes wrong there, the request goes on without: the numbers are zero then. An endpoint that fails
time after time is left alone for a while, and told of.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
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

MOST_DIMENSIONS = 16_384
"""Of an embedding; the largest known have 8,192."""

FAILURES, REST_S = 3, 10.0
"""After so many in a row the endpoint is left alone so long, and no request waits for it."""

NOTHING_KNOWN = (0.0,) * NUMBERS
PATH = "/embeddings"


class NoEmbedding(ValueError):
    """What came is none; the message says why, and nothing of what came."""


class Embedder:
    """Asks one endpoint for the embedding of a prompt, within `timeout_s`.

    on_trouble  told what failed, once per rest that it begins
    """

    def __init__(
        self,
        *,
        caller: Caller,
        endpoint: Endpoint,
        model: str,
        timeout_s: float,
        on_trouble: Callable[[str], None],
    ) -> None:
        self._caller = caller
        self._endpoint = endpoint
        self._model = model
        self._timeout_s = timeout_s
        self._on_trouble = on_trouble
        self._failures = 0
        self._rests_until = 0.0

    async def numbers(self, raw: bytes) -> tuple[float, ...]:
        """NUMBERS numbers about a chat body, all 0 if no embedding came in time."""
        if asyncio.get_running_loop().time() < self._rests_until:
            return NOTHING_KNOWN
        try:
            found = projected(await self._embedding(raw))
        except (TimeoutError, ProviderError, ValueError, LookupError, TypeError) as error:
            why = str(error) if isinstance(error, NoEmbedding) else type(error).__name__
            self._note_failure(why)
            return NOTHING_KNOWN
        self._failures = 0
        return found

    async def _embedding(self, raw: bytes) -> list[float]:
        text = "\n".join(texts_of(orjson.loads(raw)))[-MAX_CHARACTERS:]
        body = orjson.dumps({"model": self._model, "input": text})
        async with asyncio.timeout(self._timeout_s):
            reply = await self._caller.post(self._endpoint, PATH, body)
            try:
                if reply.status != 200:
                    raise NoEmbedding(f"status {reply.status}")
                answer = await reply.body()
            finally:
                await reply.close()
        return _vector(orjson.loads(answer))

    def _note_failure(self, why: str) -> None:
        self._failures += 1
        now = asyncio.get_running_loop().time()
        if self._failures >= FAILURES and now >= self._rests_until:
            self._rests_until = now + REST_S
            self._on_trouble(why)


def projected(vector: Sequence[float]) -> tuple[float, ...]:
    """A vector at unit length along NUMBERS fixed directions; raises NoEmbedding if it is none."""
    x = np.array(vector, dtype=np.float64)
    norm = float(np.linalg.norm(x))
    if x.ndim != 1 or not 0.0 < norm < np.inf:
        raise NoEmbedding("no direction")
    return tuple((0.5 * (_directions(len(x)) @ (x / norm))).tolist())


def _vector(answer: Any) -> list[float]:
    found = answer["data"][0]["embedding"]
    if not isinstance(found, list) or len(found) > MOST_DIMENSIONS:
        raise NoEmbedding("no list of numbers, or longer than any embedding is")
    return found


@lru_cache(maxsize=8)
def _directions(dimension: int) -> FloatArray:
    """(NUMBERS, dimension) signs, the same in every process."""
    signs = [
        [1.0 if zlib.crc32(f"{row}.{column}".encode()) & 1 else -1.0 for column in range(dimension)]
        for row in range(NUMBERS)
    ]
    return np.array(signs)
