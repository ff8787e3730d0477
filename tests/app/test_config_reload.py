"""An edit of windsock.toml acts while the service runs; a bad one changes nothing."""

import os
from contextlib import asynccontextmanager

from tests.running import running
from tests.upstream import Answer, completion, upstream
from windsock.app.background.config_reload import Reloader

BY_COMMAND = "[server]\nport = 1234\n[learning]\nseed = 7\n"
"""What the service was started with beside its file: no edit makes it wait for the next start."""

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


@asynccontextmanager
async def edited(tmp_path):
    """A service, and `edit(old, new)` that writes its file and lets it look."""
    async with upstream(lambda _: Answer(completion())) as model:
        path = tmp_path / "windsock.toml"
        text = (
            f'[providers.acme]\nbase_url = "{model.url}"\nprice = {{ input = 1, output = 2 }}\n'
            f'[providers.bolt]\nbase_url = "{model.url}"\nprice = {{ input = 9, output = 18 }}\n'
            f'[store]\nurl = "sqlite:///{tmp_path}/windsock.db"\n[feeds]\nenabled = []\n'
            '[routes.auto]\ncandidates = ["acme/m"]\n'
        )
        path.write_text(text)
        async with running(text + BY_COMMAND, tmp_path) as it:
            reloader = Reloader(target=it.service.reloaded, path=path, environ={})
            seen = []
            it.service.events.listeners.append(seen.append)

            def edit(old: str, new: str) -> object:
                body = path.read_text()
                assert old in body
                path.write_text(body.replace(old, new))
                os.utime(path, ns=(len(seen) + 1, len(body)))
                reloader.check()
                return seen[-1]

            yield it, edit


async def weights(it, route: str = "auto") -> dict[str, float]:
    return (await it.http.get(f"/v1/weights?route={route}")).json()["data"][0]["weights"]


async def test_a_new_candidate_takes_part_at_once_and_beliefs_stay(tmp_path) -> None:
    async with edited(tmp_path) as (it, edit):
        for _ in range(3):
            answer = await it.http.post("/v1/chat/completions", json=ASK)
            said = {"decision_id": answer.headers["x-windsock-decision-id"], "value": True}
            before = (await it.http.post("/v1/feedback", json=said)).json()["posterior"]
        event = edit('["acme/m"]', '["acme/m", "bolt/m"]')
        assert event.kind == "config.reloaded"
        assert set(await weights(it)) == {"acme/m", "bolt/m"}
        (cell,) = (await it.http.get("/v1/weights?route=auto")).json()["data"]
        acme = next(arm for arm in cell["candidates"] if arm["deployment"] == "acme/m")
        assert acme["effective_samples"] >= before["effective_samples"] - 1e-6


async def test_a_bad_edit_keeps_the_old_configuration_and_says_why(tmp_path) -> None:
    async with edited(tmp_path) as (it, edit):
        event = edit('candidates = ["acme/m"]', 'candidates = ["acmee/m"]')
        assert event.kind == "config.rejected"
        assert "did you mean 'acme'" in event.facts["error"]
        assert await weights(it) == {"acme/m": 1.0}
        assert (await it.http.post("/v1/chat/completions", json=ASK)).status_code == 200
        assert edit('["acmee/m"]', '["bolt/m"]').kind == "config.reloaded"
        assert await weights(it) == {"bolt/m": 1.0}


async def test_a_file_that_is_no_text_is_rejected_and_the_next_edit_counts(tmp_path) -> None:
    async with edited(tmp_path) as (it, edit):
        path = tmp_path / "windsock.toml"
        whole = path.read_bytes()
        seen: list[object] = []
        it.service.events.listeners.append(seen.append)
        reloader = Reloader(target=it.service.reloaded, path=path, environ={})
        for harm in (b"\xff" + whole, whole + b"\xff", whole[:40] + b"\xc3\x28" + whole[40:]):
            path.write_bytes(harm)
            os.utime(path, ns=(len(seen) + 7, len(harm)))
            reloader.check()
            assert seen[-1].kind == "config.rejected"
            assert "not UTF-8 text at byte" in seen[-1].facts["error"]
        path.write_bytes(whole)
        assert edit('candidates = ["acme/m"]', 'candidates = ["bolt/m"]').kind == "config.reloaded"
        assert await weights(it) == {"bolt/m": 1.0}


async def test_an_edited_price_of_the_owner_is_in_force_at_once(tmp_path) -> None:
    async with edited(tmp_path) as (it, edit):
        edit("input = 1, output = 2", "input = 100, output = 200")
        (price,) = (await it.http.get("/v1/prices")).json()["data"]
        assert price["usd_per_mtok"]["input"] == 100
        edit("price = { input = 100, output = 200 }\n", "")
        (price,) = (await it.http.get("/v1/prices")).json()["data"]
        assert not price["is_priced"]


async def test_feeds_are_taken_up_and_dropped(tmp_path) -> None:
    sheet = tmp_path / "prices.csv"
    sheet.write_text("provider,model,input,output\nacme,n,3,6\n")
    override = f'\n[feeds.override.price-sheet]\nurl = "file:{sheet}"\nevery = "1h"\n'
    async with edited(tmp_path) as (it, edit):
        edit("enabled = []\n", f'enabled = ["price-sheet"]{override}')
        assert [feed.id for feed in it.service.poller.status()] == ["price-sheet"]
        await it.service.poller.poll_now("price-sheet")
        edit("price = { input = 1, output = 2 }\n", "")
        edit('candidates = ["acme/m"]', 'candidates = ["acme/n"]')
        (price,) = (await it.http.get("/v1/prices")).json()["data"]
        assert price["usd_per_mtok"]["input"] == 3
        edit(f'enabled = ["price-sheet"]{override}', "enabled = []\n")
        assert it.service.poller.status() == []


async def test_what_is_read_at_the_start_only_is_named(tmp_path) -> None:
    async with edited(tmp_path) as (_, edit):
        event = edit("[feeds]", "[guard]\nmax_rise = 3.0\n[feeds]")
        assert event.facts["at_start"] == ["guard"]
        event = edit("[feeds]", '[sinks.w]\nkind = "clickhouse"\nurl = "http://h/x"\n[feeds]')
        assert set(event.facts["at_start"]) == {"guard", "sinks"}
        event = edit("[guard]\nmax_rise = 3.0\n", "")
        assert event.facts["at_start"] == ["sinks"]
