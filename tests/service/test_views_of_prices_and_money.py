"""Views of the page in a real browser: prices, feeds, money, health, evidence; at every width."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import Browser, Locator, Page, expect

from tests.running import Running, running
from tests.service.test_dashboard import in_browser, say, widths
from tests.service.test_feeds_seen import feed, sheet
from tests.upstream import Answer, completion, upstream
from windsock.cli.keys.key_book import KeyBook, MadeKey

CHAT = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
ROWS = [{"p": "delta", "in": 2}, {"p": "crux", "in": "dear"}]
WIDTHS = (360, 1600)


class Served(NamedTuple):
    it: Running
    admin: str
    crawler: MadeKey


def config_of(url: str, folder: Path) -> str:
    names = ("delta", "erin")
    config = "".join(f'[providers.{name}]\nbase_url = "{url}"\n' for name in names)
    config += '[routes.auto]\ncandidates = ["delta/m", "erin/m"]\n'
    config += "[routes.auto.source_weights]\nexplicit = 1.0\njudge = 0.4\n"
    config += '[server]\nkeys = "required"\n[caps.all]\nusd = 5\n'
    return config + feed(folder / "feeds", "mine", sheet(folder, ROWS))


@asynccontextmanager
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """Two deployments priced by three lists, one of which lies; a key with a budget."""
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(model.url, tmp_path)
        async with running(config, tmp_path) as it:
            book = KeyBook(it.service.settings, it.service.clock)
            made = book.create("crawler", budget_usd=Decimal(2), budget_period="day", rpm=90)
            admin = book.create("boss", scopes=["admin"], expires="1d")
            await it.service.housekeeping.read_keys()
            while not it.service.router.book.statements("delta/m", it.service.clock.now()):
                await asyncio.sleep(0.02)
            for list_, price in (("one", "2"), ("<b>odd</b>", "3")):
                say(it, list_, price)
            for list_, price in (("one", "3"), ("mad", "-1"), ("one", "0.001")):
                say(it, list_, price, deployment="erin/m")
            it.http.headers["authorization"] = f"Bearer {made.secret}"
            for number in range(4):
                answer = await it.http.post("/v1/chat/completions", json=CHAT)
                name = answer.headers["x-windsock-decision-id"]
                for source in ("explicit", "judge")[: 1 + number % 2]:
                    said = {"decision_id": name, "value": number % 2, "source": source}
                    await it.http.post("/v1/feedback", json=said)
            await it.service.ledger.flushed()
            yield Served(it, admin.secret, made)


@asynccontextmanager
async def viewed(
    chromium: Browser, found: Served, name: str, key: str | None = None
) -> AsyncIterator[Page]:
    """The view, seen with a key; nothing may have gone wrong on it at any width."""
    context = await chromium.new_context(viewport={"width": 1600, "height": 900})
    kept = json.dumps(key or found.admin)
    await context.add_init_script(f"sessionStorage.setItem('windsock.key', {kept})")
    page = await context.new_page()
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text) if said.type != "log" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(f"{found.it.url}/#/{name}")
    yield page
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        await fits(page)
    assert faults == []
    await context.close()


async def fits(page: Page) -> None:
    """Nothing overflows; charts follow a change of width a moment later."""
    async with asyncio.timeout(20):
        while (size := await widths(page))[0] > size[1]:
            await asyncio.sleep(0.05)


def row(page: Page, table: str, text: str) -> Locator:
    return page.locator(f'[data-name="{table}"] tbody tr', has_text=text)


@in_browser
async def test_price_lists_show_what_is_held_or_refused_first_and_why(tmp_path, chromium) -> None:
    async with served(tmp_path) as found, viewed(chromium, found, "price-lists") as page:
        summary = page.locator('[data-name="in-short"]')
        await expect(summary).to_contain_text("2 held back or refused")
        odd = row(page, "said-table", "<b>odd</b>")
        await expect(odd).to_contain_text("1.50 ×")
        rows = page.locator('[data-name="said-table"] tbody tr')
        await expect(rows.first).to_contain_text("by another list, a bill or a person")
        await expect(row(page, "said-table", "mad")).to_contain_text("negative")
        await expect(row(page, "past-table", "price held back")).to_have_count(2)
        await page.goto(f"{found.it.url}/#/price-lists?from=1000&to=2000")
        await expect(page.locator('[data-name="past"] .none')).to_be_visible()
        await expect(row(page, "said-table", "mad")).to_have_count(1)


@in_browser
async def test_feeds_show_their_ages_and_the_rows_that_state_no_price(tmp_path, chromium) -> None:
    async with served(tmp_path) as found, viewed(chromium, found, "feeds") as page:
        mine = row(page, "feeds-table", "mine")
        await expect(mine).to_contain_text("1 agree")
        await expect(mine).to_contain_text("10 min")
        await expect(row(page, "refused-table", "crux/m")).to_contain_text("no number")
        await expect(page.locator('[data-name="in-short"]')).to_have_text("1 feed, all fresh.")


@in_browser
async def test_keys_show_what_is_left_and_never_the_key(tmp_path, chromium) -> None:
    async with served(tmp_path) as found, viewed(chromium, found, "keys") as page:
        crawler = row(page, "keys-table", "crawler")
        await expect(crawler).to_contain_text(found.crawler.key.id)
        await expect(crawler).to_contain_text("of $2.00")
        await expect(crawler).to_contain_text("90 requests")
        await expect(page.locator('[data-name="in-short"]')).to_contain_text(
            "within a week ends: boss"
        )
        await expect(row(page, "caps-table", "budget of crawler")).to_contain_text("of $2.00")
        assert "sk-ws-" not in await page.locator("#view").inner_text()


@in_browser
async def test_spend_shows_what_was_saved_against_a_baseline_that_one_chooses(
    tmp_path, chromium
) -> None:
    async with served(tmp_path) as found, viewed(chromium, found, "spend?by=deployment") as page:
        summary = page.locator('[data-name="in-short"]')
        await expect(summary).to_contain_text("4 requests for $")
        saved = row(page, "saved-table", "auto")
        await expect(saved).to_contain_text("4 of 4 requests, 4 judged")
        await page.get_by_label("Baseline").select_option("delta/m")
        await expect(page).to_have_url(re.compile("baseline=delta"))
        await expect(summary).to_contain_text("Always delta/m would have cost")
        assert await page.locator('[data-name="spend-table"] tbody tr').count() >= 1
        await page.locator("select[name=by]").select_option("key")
        await expect(row(page, "spend-table", "crawler")).to_contain_text("4")
        await expect(page.locator('[data-name="over-time"] canvas')).to_be_visible()
        said = (await found.it.http.get("/v1/spend?by=key&baseline=delta/m")).json()["total"]
        words = "saved" if said["saved_usd"] >= 0 else "lost"
        await expect(summary).to_contain_text(words)


@in_browser
async def test_health_shows_errors_by_kind_and_latency_over_time(tmp_path, chromium) -> None:
    async with served(tmp_path) as found, viewed(chromium, found, "health") as page:
        summary = page.locator('[data-name="in-short"]')
        await expect(summary).to_contain_text("2 deployments, all in use; 4 calls in this time")
        for chart in ("latency-chart", "errors-chart", "calls-chart"):
            await expect(page.locator(f'[data-name="{chart}"] canvas')).to_be_visible()
        twin = page.locator('[data-name="calls-chart"] table tbody tr')
        assert await twin.count() > 1
        await expect(row(page, "health-table", "delta/m")).to_contain_text("in use")
        await page.locator("#range select").select_option("1h")
        await expect(page).to_have_url(re.compile("since=1h"))
        await expect(summary).to_contain_text("4 calls in this time")


@in_browser
async def test_evidence_shows_by_what_success_is_known(tmp_path, chromium) -> None:
    async with served(tmp_path) as found, viewed(chromium, found, "evidence") as page:
        judged = row(page, "evidence-table", "explicit")
        await expect(judged.first).to_contain_text("judged")
        await expect(judged.first).to_contain_text("counts 1.00")
        head = page.locator('[data-name="evidence-table"] thead th', has_text="Success")
        await head.locator("button").click()
        await expect(head).to_have_attribute("aria-sort", "ascending")
