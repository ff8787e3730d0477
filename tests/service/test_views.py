"""The page's views in a real browser: one service that asks for keys, one browser for all."""

import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.running import Running, config_of, running
from tests.service.test_dashboard import STATIC, by_one_loop, needs_chromium, say, use, widths
from tests.upstream import Answer, completion, upstream
from windsock.cli.keys.key_book import KeyBook

pytestmark = [
    needs_chromium,
    by_one_loop,
    pytest.mark.xdist_group("views"),
]

TOKEN = "admin-" + "t" * 32
SECRET = "a prompt that nobody may ever read again"
NAMES = re.findall(r'name: "([\w-]+)"', (STATIC / "panels" / "index.js").read_text())
BROKEN = {"model": "crux/m", "messages": [{"role": "user", "content": SECRET}]}


@dataclass
class World:
    it: Running
    chromium: Browser
    reader: str
    decision: str = ""
    faults: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def page(
        self, place: str, key: str | None = TOKEN, **looks: object
    ) -> AsyncIterator[Page]:
        """A view seen with a key; nothing may go wrong on it."""
        context = await self.chromium.new_context(
            **{"viewport": {"width": 1280, "height": 900}, **looks}
        )
        if key:
            kept = json.dumps(key)
            await context.add_init_script(f"sessionStorage.setItem('windsock.key', {kept})")
        page = await context.new_page()
        faults: list[str] = []
        page.on("console", lambda said: faults.append(said.text) if said.type != "log" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                faults.append(asked.url) if not asked.url.startswith(self.it.url) else None
            ),
        )
        await page.goto(f"{self.it.url}/#/{place}")
        yield page
        await context.close()
        if key:
            assert faults == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(
    tmp_path_factory: pytest.TempPathFactory, one_chromium: Browser
) -> AsyncIterator[World]:
    """Two that answer, one that fails, one whose price is held back; traffic and judgements."""
    folder: Path = tmp_path_factory.mktemp("views")
    fine, broken = Answer(completion()), Answer({"error": {}}, status=500)
    async with upstream(lambda _: fine) as good, upstream(lambda _: broken) as bad:
        config = config_of(("acme", good.url, 1.0), ("boreal", good.url, 4.0), ("crux", bad.url, 9))
        config += f'[providers.delta]\nbase_url = "{good.url}"\n[server]\nkeys = "required"\n'
        config += 'admin_token = "${WINDSOCK_ADMIN_TOKEN}"\n'
        config += '[routes.held]\ncandidates = ["delta/m"]\nobjective = "budget"\n'
        config += 'budget = "small"\n[budgets.small]\nusd_per_day = 5\n[labels]\ntexts = true\n'
        config += '[routes.auto.judge]\nmodel = "delta/judge"\nshare = 0\n'
        async with running(config, folder, WINDSOCK_ADMIN_TOKEN=TOKEN) as it:
            book = KeyBook(it.service.settings, it.service.clock)
            reader = book.create("reader", scopes=["read"]).secret
            await it.service.housekeeping.read_keys()
            it.http.headers["authorization"] = f"Bearer {TOKEN}"
            # Before it may cool down.
            await it.http.post("/v1/chat/completions", json=BROKEN)
            await use(it, requests=12)
            for price in ("2", "0.02"):
                say(it, "sheet", price)
            await it.service.ledger.flushed()
            newest = (await it.http.get("/v1/requests?status=ok&limit=1")).json()["data"][0]
            yield World(it, one_chromium, reader, newest["decision_id"])


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1600, "light")])
async def test_every_view_opens_without_an_error_or_an_overflow(world, width, scheme) -> None:
    looks = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    async with world.page("", **looks) as page:
        for name in NAMES:
            await page.goto(f"{world.it.url}/#/{name}?id={world.decision}")
            await expect(page.locator(f'.view[data-view="{name}"] h2').first).to_be_attached()
            await expect(page.locator(".refused")).to_have_count(0)
            await page.wait_for_function(
                "document.documentElement.scrollWidth <= innerWidth", timeout=20_000
            )
        assert (await widths(page))[1] == width


async def test_a_reader_logs_in_and_out_and_a_wrong_key_is_refused(world) -> None:
    async with world.page("configuration", key=None) as page:
        await expect(page.locator("#locked")).to_be_visible()
        await page.locator("#key").fill("sk-ws-wrong")
        await page.keyboard.press("Enter")
        await expect(page.locator("#locked-why")).to_contain_text("not known")
        await page.locator("#key").fill(world.reader)
        await page.keyboard.press("Enter")
        await expect(page.locator("#aims-title")).to_have_text("Routes")
        await expect(page.locator(".view")).to_contain_text("A key with the scope admin")
        await page.locator("#logout").click()
        await expect(page.locator("#locked")).to_be_visible()
        assert await page.evaluate("sessionStorage.length") == 0


async def test_a_slider_shows_what_the_call_says_and_changes_nothing(world) -> None:
    before = world.it.service.router.to_state()
    async with world.page("what-if?route=auto") as page:
        await page.locator(".slider", has_text="acme/m").locator("input").fill("100")
        row = page.locator('[data-name="split"] tr[data-name="acme/m"]')
        body = {"route": "auto", "prices": {"acme/m": {"input": 4.0, "output": 16.0}}}
        said = (await world.it.http.post("/v1/whatif", json=body)).json()["data"][0]
        share = said["weights_then"]["acme/m"]
        text = f"{share * 100:.1f}" if share < 0.0995 else f"{share * 100:.0f}"
        await expect(row.locator("td").last).to_contain_text(text)
        await page.get_by_label("Quality floor").fill("10")
        await page.get_by_label("Floor of the route").fill("99")
        await expect(page.locator(".view")).to_contain_text("route quality floor 0.99")
        await expect(page.locator('[data-name="facts"]')).to_contain_text("Bill a day")
    assert world.it.service.router.to_state() == before


async def test_a_budget_has_its_slider_where_there_is_one(world) -> None:
    async with world.page("what-if?route=held") as page:
        await expect(page.get_by_label("Budget a day")).to_be_visible()
        await expect(page.locator(".view output").first).to_be_visible()
    async with world.page("what-if?route=auto") as page:
        await expect(page.get_by_label("Quality floor")).to_be_visible()
        await expect(page.locator("#task")).to_have_value("")
        await expect(page.get_by_label("Budget a day")).to_have_count(0)


async def test_a_request_is_tried_and_explained_and_every_client_has_its_lines(world) -> None:
    async with world.page("try") as page:
        for name, sign in (
            ("curl", "/v1/chat/completions"),
            ("OpenAI, Python", f'base_url="{world.it.url}/v1"'),
            ("OpenAI, JavaScript", f'baseURL: "{world.it.url}/v1"'),
            ("Anthropic", f'base_url="{world.it.url}"'),
            ("Gemini", "http_options"),
        ):
            await page.get_by_role("tab", name=name, exact=True).click()
            await expect(page.locator('[data-name="clients"] code')).to_contain_text(sign)
        await page.get_by_label("Message").fill('what is "this"?')
        await expect(page.locator('[data-name="clients"] code')).to_contain_text('\\"this\\"')
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator(".said")).to_have_text("hello")
        await world.it.service.ledger.flushed()
        await page.get_by_role("link", name="this decision, explained").click()
        await expect(page.locator('[data-name="sentence"]')).to_contain_text("was drawn")


async def test_what_the_service_refuses_is_said_where_it_was_tried(world) -> None:
    async with world.page("try", key=None) as page:
        await page.evaluate(f"sessionStorage.setItem('windsock.key', '{world.reader}')")
        await page.reload()
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator(".answer .refused")).to_contain_text("lacks the scope 'infer'")


async def test_a_decision_is_found_by_its_id_and_says_what_would_have_changed_it(world) -> None:
    async with world.page("decision") as page:
        await page.get_by_label("Id").fill(world.decision)
        await page.get_by_role("button", name="Explain").click()
        rows = page.locator('[data-name="candidates"] tbody tr')
        await expect(rows.filter(has_text="it did")).to_have_count(1)
        said = (await world.it.http.get(f"/v1/decisions/{world.decision}")).json()
        drawn = page.locator(f'[data-name="candidates"] tr[data-name="{said["deployment"]}"]')
        low, high = next(
            each["draws"]
            for each in said["would_differ"]
            if each["deployment"] == said["deployment"]
        )
        assert low <= said["draw"]["u"] < high
        await expect(drawn).to_contain_text(f"{low:.4f} – {high:.4f}")


async def test_requests_are_filtered_and_no_text_of_theirs_is_shown(world) -> None:
    async with world.page("requests") as page:
        rows = page.locator('[data-name="rows"] tbody tr')
        await expect(rows.nth(8)).to_be_visible()
        await page.get_by_label("Status").select_option("failed")
        await expect(page).to_have_url(re.compile("status=failed"))
        await expect(rows.first).to_contain_text("crux/m")
        await expect(rows.filter(has_text="ok")).to_have_count(0)
        assert SECRET not in await page.content()
        route = page.locator('[data-name="form"] label', has_text="Route").locator("input")
        await route.fill("held")
        await page.keyboard.press("Enter")
        await expect(page.locator('[data-name="rows"] .none')).to_be_visible()
        await route.fill("")
        await page.keyboard.press("Enter")
        await rows.first.click()
        await expect(page.locator('[data-name="attempts"]')).to_contain_text("500")


async def test_settings_are_shown_and_secrets_are_not(world) -> None:
    async with world.page("configuration") as page:
        rows = page.locator('[data-name="settings"] tbody tr')
        await expect(rows.filter(has_text="providers.acme.api_key")).to_contain_text("••••")
        stated = await rows.count()
        await page.get_by_label("with defaults").check()
        await expect(rows.filter(has_text="server.max_body_mb")).to_contain_text("20")
        assert await rows.count() > stated
        for secret in ("sk-upstream", TOKEN):
            assert secret not in await page.content()


@contextmanager
def locked(store: str) -> Iterator[None]:
    """Nobody can write to the store meanwhile."""
    with closing(sqlite3.connect(store)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


async def test_a_held_price_is_approved_by_an_admin_only_after_asking(world) -> None:
    async with world.page("held", key=world.reader) as page:
        await expect(page.locator('[data-name="held"] tbody tr')).to_have_count(1)
        await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    async with world.page("held") as page:
        await page.get_by_role("button", name="Approve").click()
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.locator('[data-name="held"] tbody tr')).to_have_count(1)
        await page.get_by_role("button", name="Approve").click()
        await expect(page.locator("#confirm")).to_contain_text("delta/m")
        with locked(world.it.service.engine.url.database):
            await page.locator("#confirm").get_by_role("button", name="Approve").click()
            await expect(page.locator("#said-now")).to_contain_text("In force, but not kept")
        await expect(page.locator('[data-name="held"] .none')).to_be_visible()
    await world.it.service.ledger.flushed()
    price = (await world.it.http.get("/v1/prices?deployment=delta/m")).json()["data"][0]
    assert price["usd_per_mtok"]["input"] == 0.02


async def test_a_deployment_a_route_and_a_task_have_a_page_each(world) -> None:
    async with world.page("deployment") as page:
        await page.locator('tr[data-name="acme/m"] a').click()
        await expect(page.locator("#one-title")).to_have_text("acme/m")
        await expect(page.locator('[data-name="paid"] canvas')).to_be_visible()
        await expect(page.locator('[data-name="paid"] .unseen tbody tr').first).to_contain_text(
            "$1.00"
        )
        await page.locator('[data-name="cells"]').get_by_role("link").first.click()
        await expect(page.locator("#task-title")).to_have_text("Task default")
        await page.goto(f"{world.it.url}/#/deployment?name=acme/m")
        await expect(page.locator('[data-name="spent"] tbody tr').first).to_be_visible()
        await expect(page.locator('[data-name="one"] .facts')).to_contain_text("in use")
        await page.goto(f"{world.it.url}/#/deployment?name=acme/m&from=1000&to=2000")
        await expect(page.locator('[data-name="spent"] .none')).to_have_text(
            "It served nobody in this time."
        )
        await page.goto(f"{world.it.url}/#/route?route=held")
        await expect(page.locator("#route-title")).to_have_text("Route held")
        await expect(page.locator(".view .facts")).to_contain_text("$5.00 a day")


async def test_keys_of_the_keyboard_move_between_views_and_tell_of_themselves(world) -> None:
    async with world.page("requests") as page:
        await expect(page.locator("#requests-title")).to_be_visible()
        await page.keyboard.press("]")
        await expect(page).to_have_url(re.compile("#/decision"))
        await page.keyboard.press("?")
        await expect(page.locator("#help")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.locator("#menu a").first.focus()
        await page.keyboard.press("ArrowDown")
        assert await page.evaluate(
            "document.activeElement === document.querySelectorAll('#menu a')[1]"
        )
        await page.keyboard.press("t")
        assert await page.evaluate("document.documentElement.dataset.scheme") == "light"


async def test_the_time_range_goes_along_from_view_to_view(world) -> None:
    async with world.page("requests?since=7d") as page:
        await expect(page.locator("#range select")).to_have_value("7d")
        await page.get_by_role("link", name="Deployments").click()
        await expect(page).to_have_url(re.compile("#/deployment.*since=7d"))
        await page.locator("#range select").select_option("1h")
        await expect(page).to_have_url(re.compile("since=1h"))


async def test_the_reference_works_offline_and_makes_a_call(world) -> None:
    async with world.page("reference") as page:
        await page.get_by_label("Filter calls").fill("/v1/routes")
        calls = page.locator(".call:visible")
        await expect(calls).to_have_count(1)
        await calls.locator("summary").click()
        await expect(calls).to_contain_text("quality_floor")
        await calls.get_by_role("button", name="Send").click()
        await expect(calls.locator("pre")).to_contain_text('"route": "auto"')
    page_of_docs = await world.it.http.get("/docs")
    assert page_of_docs.headers["content-security-policy"].startswith("default-src 'self';")
    assert not re.search(r'(?:src|href)="(?!/|#)', page_of_docs.text)


async def test_what_changes_something_is_sent_from_the_reference_only_after_asking(world) -> None:
    async with world.page("reference") as page:
        await page.get_by_label("Filter calls").fill("post /v1/whatif")
        call = page.locator(".call:visible")
        await call.locator("summary").click()
        await call.get_by_label("Body").fill('{"route": "auto", "quality_floor": 0.5}')
        await call.get_by_role("button", name="Send").click()
        await expect(page.locator("#confirm")).to_contain_text("POST /v1/whatif")
        await page.locator("#confirm").get_by_role("button", name="Send").click()
        await expect(call.locator("pre")).to_contain_text("success_then")


ODD = "<img src=x onerror=alert(1)> which way?"


async def asked(world: World, task: str, count: int = 1) -> list[str]:
    """Ids of answers that wait for a label, each of a prompt that would like to be HTML."""
    names = []
    for number in range(count):
        body = {
            "model": "auto",
            "metadata": {"task": task},
            "messages": [{"role": "user", "content": f"{ODD} {number}"}],
        }
        answer = await world.it.http.post("/v1/chat/completions", json=body)
        names.append(answer.headers["x-windsock-decision-id"])
    await world.it.service.ledger.flushed()
    return names


async def said_of(world: World, name: str) -> list[float]:
    await world.it.service.ledger.flushed()
    found = (await world.it.http.get(f"/v1/decisions/{name}")).json()
    return [each["value"] for each in found["feedback"]]


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1600, "light")])
async def test_two_keys_label_and_each_label_says_what_it_bought(world, width, scheme) -> None:
    task = f"label-{width}"
    names = await asked(world, task, 4)
    looks = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    async with world.page(f"label?task={task}", **looks) as page:
        await page.clock.install()
        texts, progress = page.locator(".said"), page.locator('[data-name="in-short"]')
        await expect(progress).to_contain_text("0 labels given here, 4 more wanted; not knowing")
        # A label is held for seconds: here until the clock is moved, however long this takes.
        await page.clock.pause_at(time.time() + 30)
        await expect(texts.first).to_contain_text(ODD)
        await expect(texts.last).to_have_text("hello")
        for name in ("acme", "boreal"):
            await expect(page.locator('[data-name="card"]')).not_to_contain_text(name)
        await page.keyboard.press("y")
        await page.keyboard.press("n")
        rows = page.locator('[data-name="bought-table"] tbody tr')
        await expect(rows).to_have_count(1)
        await expect(rows.first).to_contain_text("right")
        await expect(rows.first).to_contain_text(re.compile("acme/m|boreal/m"))
        await expect(rows.first).to_contain_text(re.compile(r"[−+]\d+\.\d points"))
        await expect(progress).to_contain_text("2 labels given here, 2 more wanted")
        await page.keyboard.press("u")
        await expect(progress).to_contain_text("1 label given here, 3 more wanted")
        await page.get_by_role("button", name="Skip").click()
        await page.keyboard.press("n")
        await page.keyboard.press("y")
        await expect(page.locator('[data-name="label"] [data-name="none"]')).to_be_visible()
        await expect(page.get_by_role("button", name="Right")).to_be_disabled()
        await page.clock.run_for(5000)
        await expect(rows).to_have_count(3)
        choices = page.locator('[data-name="choices-table"] tbody tr')
        await expect(choices.first).to_contain_text("3 of 4")
        assert (await widths(page))[0] <= width
    said = sorted(map(tuple, [await said_of(world, name) for name in names]))
    assert said == [(), (0.0,), (1.0,), (1.0,)]


async def test_who_leaves_has_said_what_was_said_and_a_sent_label_is_corrected(world) -> None:
    (name,) = await asked(world, "label-leaving")
    async with world.page("label?task=label-leaving") as page:
        await expect(page.get_by_role("button", name="Wrong")).to_be_enabled()
        await page.keyboard.press("n")
        async with page.expect_response(lambda answer: answer.request.method == "POST"):
            await page.keyboard.press("]")
        await expect(page).to_have_url(re.compile("#/what-if"))
    assert await said_of(world, name) == [0.0]
    (name,) = await asked(world, "label-corrected")
    async with world.page("label?task=label-corrected") as page:
        await page.clock.install()
        await expect(page.get_by_role("button", name="Wrong")).to_be_enabled()
        await page.keyboard.press("n")
        await page.clock.run_for(5000)
        rows = page.locator('[data-name="bought-table"] tbody tr')
        await expect(rows.first).to_contain_text("wrong")
        await page.keyboard.press("u")
        await expect(page.locator("#said-now")).to_contain_text("stands in its place")
        await page.keyboard.press("y")
        await page.clock.run_for(5000)
        await expect(rows.first).to_contain_text("right")
        await expect(rows).to_have_count(1)
    assert (await said_of(world, name))[-1] == 1.0


async def test_a_key_that_may_not_read_texts_is_told_so_and_labels_nothing(world) -> None:
    (name,) = await asked(world, "label-reader")
    async with world.page("label?task=label-reader", key=None) as page:
        await page.evaluate(f"sessionStorage.setItem('windsock.key', '{world.reader}')")
        await page.reload()
        await expect(page.locator('[data-name="note"]')).to_contain_text("scope 'label'")
        await expect(page.locator(".said")).to_have_count(0)
        await page.clock.install()
        await page.keyboard.press("y")
        await page.clock.run_for(5000)
        await expect(page.locator("#said-now")).to_contain_text("lacks the scope")
        assert ODD not in await page.content()
    assert await said_of(world, name) == []


async def test_evidence_tells_who_says_what_and_what_rests_on_no_label(world) -> None:
    for name in await asked(world, "scored", 3):
        body = {"decision_id": name, "value": 0.5, "source": "judge"}
        assert (await world.it.http.post("/v1/feedback", json=body)).status_code == 200
    async with world.page("evidence") as page:
        summary = page.locator('[data-name="in-short"]')
        await expect(summary).to_contain_text("on judges or checks alone, which no label has shown")
        said = page.locator('[data-name="said-table"] tbody tr').filter(has_text="scored")
        await expect(said.first).to_contain_text("judge proxy")
        await expect(said.first).to_contain_text("50")
        known = page.locator('[data-name="evidence-table"] tbody tr').filter(has_text="scored")
        await expect(known.filter(has_text="proxies alone").first).to_be_visible()
        costs = page.locator('[data-name="knowing-table"] tbody tr')
        await expect(costs.first).to_contain_text("exploring")
        await expect(costs.filter(has_text="judge")).to_have_count(0)
        cells = page.locator('[data-name="knowing-cells-table"] tbody tr')
        await expect(cells.filter(has_text="scored").first).to_contain_text("auto")
