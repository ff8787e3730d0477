"""Whatever is sent to any call, the answer is no error of ours, and no provider is blamed for it.

`make hostile` tries ten thousand requests; the suite as many as take some seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from tests.attacks.form import SHARED, attack
from tests.attacks.hostile import Sent, places_in, requests, said
from tests.attacks.world import World

pytestmark = SHARED

EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "250"))
LUCK = 0.02
"""What mere answers, which are worth what is expected, move an expectation; `failures` of each
deployment are held to none."""

OURS = ("Traceback", "cooldown.began", "task.failed")
"""What the log says where something of ours failed, or a provider was blamed. `errors.rose` counts
refusals whoever was to blame, and callers are."""


def check(sent: Sent, heard: bytes) -> None:
    """No 5xx, and every refusal with a body says in JSON what is wrong."""
    head, _, body = heard.partition(b"\r\n\r\n")
    status = int(head[9:12] or 0)
    assert status < 500, heard[:2000]
    if status >= 400 and sent.method != "HEAD" and not sent.is_open_ended:
        assert json.loads(body)["error"]["message"]


async def health(world: World) -> dict[str, Any]:
    """State and failures of every deployment."""
    shown = (await world.http.get("/v1/deployments")).json()["data"]
    return {each["deployment"]: (each["state"], each["failures"]) for each in shown}


async def beliefs(world: World) -> dict[str, float]:
    """The success that is expected of every deployment."""
    shown = (await world.http.get("/v1/weights?task=default")).json()["data"]
    return {
        f"{table['route']} {each['deployment']}": each["success_mean"]
        for table in shown
        for each in table["candidates"]
    }


@attack(
    "by chance: hostile JSON, headers, queries and framing on every call, 10,000 in `make hostile`",
    "no error of ours; nothing against any provider",
)
async def test_whatever_is_sent(world: World) -> None:
    document = (await world.http.get("/openapi.json")).json()
    well, believed, log = await health(world), await beliefs(world), world.log_size()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize="HOSTILE_EXAMPLES" not in os.environ,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(requests(places_in(document), world.admin["authorization"]))
    def send(sent: Sent) -> None:
        check(sent, said(world.process.url, sent))

    await asyncio.to_thread(send)
    assert [words for words in OURS if words in world.log_since(log)] == []
    assert await health(world) == well
    now = await beliefs(world)
    fallen = {name: (mean, now[name]) for name, mean in believed.items() if now[name] < mean - LUCK}
    assert fallen == {}
    assert await world.is_well()
