"""The policy of a route is chosen in configuration."""

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.errors import ConfigError

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        ("cheapest", ["bolt/m"] * 4),
        ("flagship", ["acme/m"] * 4),
        ("round_robin", ["acme/m", "bolt/m"] * 2),
    ],
)
async def test_a_route_is_served_by_the_policy_that_it_names(policy, served, tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 4.0), ("bolt", model.url, 1.0))
        async with running(config + f'policy = "{policy}"\n', tmp_path) as it:
            found = []
            for _ in served:
                answer = await it.http.post("/v1/chat/completions", json=ASK)
                found.append(answer.headers["x-windsock-deployment"])
                await it.http.get("/v1/weights", params={"route": "auto", "ladder": True})
            assert found == served


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('policy = "cheepest"\n', "routes.auto.policy: no policy is named 'cheepest'; did you"),
        ('policy = "cheapest"\nobjective = "budget"\nusd_per_request = 1\n', "keeps to no budget"),
    ],
)
async def test_a_policy_that_cannot_be_is_refused_in_one_sentence(lines, said, tmp_path) -> None:
    with pytest.raises(ConfigError, match=said):
        async with running(config_of(("acme", "http://localhost:1", 1.0)) + lines, tmp_path):
            pass
