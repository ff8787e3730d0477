"""The page at /, in a real browser, over the running service."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.clock import ManualClock
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter

# However busy the machine: what does not come at all is told later.
expect.set_options(timeout=20_000)

STATIC = Path(str(files("windsock.service.control").joinpath("static")))
CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}

needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="needs Chromium at /usr/bin/chromium"
)
by_one_loop = pytest.mark.asyncio(loop_scope="session")
"""The loop in which `chromium` runs."""


def in_browser(test: Any) -> Any:
    """A test that takes `chromium`."""
    return needs_chromium(by_one_loop(test))


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        try:
            yield chromium
        finally:
            await chromium.close()


@asynccontextmanager
async def served(tmp_path: Path, suffix: str = "") -> AsyncIterator[Running]:
    """Two deployments that answer and one that fails, with traffic, feedback and a price move.

    suffix      of the providers' names
    """
    acme, boreal, crux = (f"{name}{suffix}" for name in ("acme", "boreal", "crux"))
    fine, broken = Answer(completion()), Answer({"error": {}}, status=500)
    async with upstream(lambda _: fine) as good, upstream(lambda _: broken) as bad:
        config = config_of((acme, good.url, 1.0), (boreal, good.url, 1.2), (crux, bad.url, 9))
        async with running(config, tmp_path) as it:
            await use(it, requests=8)
            for _ in range(2):
                await it.http.post("/v1/chat/completions", json={**ASK, "model": f"{crux}/m"})
            move_price(it, f"{acme}/m", "1.6", "6.4")
            await asyncio.sleep(2.2)
            yield it


async def use(it: Running, *, requests: int) -> None:
    for number in range(requests):
        answer = await it.http.post("/v1/chat/completions", json=ASK)
        said = {"decision_id": answer.headers["x-windsock-decision-id"], "value": number % 4 > 0}
        await it.http.post("/v1/feedback", json=said)


def move_price(it: Running, deployment: str, usd_in: str, usd_out: str) -> None:
    now = it.service.clock.now()
    prices = {Meter.INPUT: Decimal(usd_in), Meter.OUTPUT: Decimal(usd_out)}
    it.service.ingestion.on_quote(
        Quote(deployment=deployment, feed="config", feed_model="m", usd_per_mtok=prices,
              seen_at=now), now
    )  # fmt: skip


async def opened(chromium: Browser, url: str, **looks: Any) -> tuple[Page, list[str]]:
    """A page, and everything that went wrong on it: errors, warnings, foreign requests."""
    context = await chromium.new_context(**looks)
    page = await context.new_page()
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text) if said.type != "log" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request",
        lambda asked: faults.append(asked.url) if not asked.url.startswith(url) else None,
    )
    await page.goto(url)
    return page, faults


async def widths(page: Page) -> tuple[int, int]:
    found: list[int] = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return found[0], found[1]


async def drag(page: Page, place: str, begin: float, end: float) -> None:
    """Over a part of a chart, in shares of its width."""
    box = await page.locator(place).bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    await page.mouse.move(box["x"] + box["width"] * begin, middle)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * end, middle, steps=5)
    await page.mouse.up()


async def inked(page: Page, place: str) -> int:
    """How many different colours a chart has on its canvas."""
    found: int = await page.evaluate(
        """(place) => {
            const canvas = document.querySelector(`${place} canvas`);
            const { width, height } = canvas;
            const all = new Uint32Array(
                canvas.getContext("2d").getImageData(0, 0, width, height).data.buffer);
            return new Set(all).size;
        }""",
        place,
    )
    return found


@in_browser
async def test_the_page_shows_both_charts_and_the_table_without_an_error(
    tmp_path, chromium
) -> None:
    async with served(tmp_path) as it:
        page, faults = await opened(chromium, it.url, viewport={"width": 1280, "height": 900})
        await expect(page.locator("#state-text")).to_contain_text("live, 3 deployments")
        await expect(page.locator("#prices canvas")).to_be_visible()
        await expect(page.locator("#weights canvas")).to_be_visible()
        assert await inked(page, "#prices") > 3
        assert await inked(page, "#weights") > 3
        names = page.locator("#prices table thead th")
        assert await names.all_inner_texts() == ["Time", "acme/m", "boreal/m", "crux/m"]
        last = page.locator("#prices table tbody tr").last.locator("td")
        assert await last.all_inner_texts() == ["$2.80", "$2.10", "$15.75"]
        await expect(page.locator("#events")).to_contain_text("input $1.00 → $1.60")
        rows = page.locator("#prices table tbody tr")
        await expect(rows.nth(5)).to_be_attached()
        begin = await rows.first.locator("th").inner_text()
        await drag(page, "#prices .u-over", 0.5, 0.99)
        await expect(page.locator("#whole")).to_be_visible()
        await expect(rows.first.locator("th")).not_to_have_text(begin)
        await page.locator("#whole").click()
        await expect(rows.first.locator("th")).to_have_text(begin)
        assert faults == []


@in_browser
async def test_the_table_says_what_the_weights_call_says(tmp_path, chromium) -> None:
    async with served(tmp_path) as it:
        page, _ = await opened(chromium, it.url)
        await expect(page.locator("#deployments tbody tr")).to_have_count(3)
        (said,) = (await it.http.get("/v1/weights")).json()["data"]
        for name, weight in said["weights"].items():
            row = page.locator(f'#deployments tr[data-name="{name}"]')
            shown = await row.locator("td").first.inner_text()
            assert float(re.findall(r"[\d.]+", shown)[0]) == pytest.approx(weight * 100, abs=0.6)
        for name, reason in said["ruled_out"].items():
            row = page.locator(f'#deployments tr[data-name="{name}"]')
            await expect(row).to_have_attribute("data-kind", "out")
            await expect(row).to_contain_text(reason[:12])
        assert set(said["weights"]) | set(said["ruled_out"]) == {"acme/m", "boreal/m", "crux/m"}


@in_browser
async def test_who_is_left_alone_is_shown_with_its_price(tmp_path, chromium) -> None:
    async with served(tmp_path) as it:
        for number in range(6):
            asked = {"model": "crux/m", "messages": [{"role": "user", "content": f"{number}"}]}
            await it.http.post("/v1/chat/completions", json=asked)
        (said,) = (await it.http.get("/v1/weights")).json()["data"]
        assert list(said["ruled_out"]) == ["crux/m"]
        page, _ = await opened(chromium, it.url)
        row = page.locator('#deployments tr[data-name="crux/m"]')
        await expect(row).to_have_attribute("data-kind", "out")
        await expect(row).to_contain_text("$9.00 / $36")


def say(it: Running, feed: str, usd_in: str, *, deployment: str = "delta/m") -> None:
    """What a list says of a deployment that has no price of the owner's."""
    now = it.service.clock.now()
    prices = {Meter.INPUT: Decimal(usd_in), Meter.OUTPUT: Decimal(usd_in) * 4}
    it.service.ingestion.on_quote(
        Quote(deployment=deployment, feed=feed, feed_model="m", usd_per_mtok=prices,
              seen_at=now, trust=0.7), now
    )  # fmt: skip


@in_browser
async def test_the_page_says_what_every_list_says_who_disagrees_and_what_is_provisional(
    tmp_path, chromium
) -> None:
    async with upstream(lambda _: Answer(completion())) as good:
        config = "".join(
            f'[providers.{name}]\nbase_url = "{good.url}"\n' for name in ("delta", "erin")
        )
        config += '[routes.auto]\ncandidates = ["delta/m", "erin/m"]\n'
        async with running(config, tmp_path) as it:
            for feed, price in (("one", "2"), ("two", "2"), ("<b>odd</b>", "3")):
                say(it, feed, price)
            say(it, "one", "5", deployment="erin/m")
            await use(it, requests=2)
            await asyncio.sleep(1.2)
            page, faults = await opened(chromium, it.url)
            await page.goto(f"{it.url}/#/price-lists")
            summary = page.locator('[data-name="in-short"]')
            await expect(summary).to_contain_text("4 statements of 3 lists")
            await expect(summary).to_contain_text("delta/m: <b>odd</b> disagrees")
            await expect(summary).to_contain_text(
                re.compile(r"erin/m: provisional until \d+ \w+ 20")
            )
            rows = page.locator('[data-name="said-table"] tbody tr')
            await expect(rows).to_have_count(4)
            odd = rows.filter(has_text="<b>odd</b>")
            await expect(odd).to_contain_text("$3.00 / $12.00")
            await expect(odd).to_contain_text("disagrees")
            alone = rows.filter(has_text="erin/m")
            await expect(alone).to_contain_text("agrees")
            await expect(alone).to_contain_text("provisional until")
            for width in (360, 1280):
                await page.set_viewport_size({"width": width, "height": 800})
                scrolled, inner = await widths(page)
                assert scrolled <= inner
            say(it, "one", "2.5")
            again = rows.filter(has_text="delta/m").filter(has_text="is the price in force")
            await expect(again).to_contain_text("$2.50 / $10.00")
            assert faults == []


def test_the_page_and_all_it_loads_are_small() -> None:
    """The viewer of the API reference has a measure of its own."""
    kinds = {".html", ".js", ".css", ".svg", ".gz"}
    parts = [each for each in STATIC.rglob("*") if each.suffix in kinds]
    viewer = [each for each in parts if each.parent.name == "reference"]
    assert sum(each.stat().st_size for each in parts if each not in viewer) < 200_000
    assert sum(each.stat().st_size for each in viewer) < 20_000


def luminance(colour: str) -> float:
    """Relative, of #rrggbb, as WCAG 2.2 defines it."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_words_and_lines_stand_out_from_the_paper() -> None:
    """WCAG 2.2: 4.5 to 1 for words, 3 to 1 for the lines of charts."""
    shared = Path(str(files("windsock.resources").joinpath("static", "colours.css")))
    text = shared.read_text() + (STATIC / "style.css").read_text()
    known = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", text)
    colours = {name: [luminance(each) for each in pair] for name, *pair in known}
    least = dict.fromkeys(("text", "quiet", "good", "bad"), 4.5)
    least |= {f"c{number}": 3.0 for number in range(8)}
    for name, ratio in least.items():
        for ink, paper in zip(colours[name], colours["paper"], strict=True):
            low, high = sorted((ink, paper))
            assert (high + 0.05) / (low + 0.05) >= ratio, name


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_overflows_a_narrow_screen_in_either_scheme(
    scheme, tmp_path, chromium
) -> None:
    async with served(tmp_path) as it:
        looks = {"viewport": {"width": 360, "height": 780}, "color_scheme": scheme}
        page, faults = await opened(chromium, it.url, **looks)
        await expect(page.locator("#deployments tbody tr")).to_have_count(3)
        scrolled, inner = await widths(page)
        assert scrolled <= inner
        paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(15, 16, 19)"}[scheme]
        assert faults == []


@in_browser
async def test_a_name_without_a_break_overflows_no_view(tmp_path, chromium) -> None:
    async with served(tmp_path, "x" * 90) as it:
        page, faults = await opened(chromium, it.url, viewport={"width": 1280, "height": 780})
        for view in ("what-if", "frontier", "price-lists", "health"):
            await page.goto(f"{it.url}#/{view}")
            await expect(page.locator("main table tbody tr").first).to_be_attached()
            scrolled, inner = await widths(page)
            assert scrolled <= inner, view
        assert faults == []


@in_browser
async def test_names_of_a_usual_length_do_not_overflow_a_laptop(tmp_path, chromium) -> None:
    async with served(tmp_path, "-of-the-northern-sea") as it:
        page, faults = await opened(chromium, it.url, viewport={"width": 1280, "height": 780})
        await expect(page.locator("#deployments tbody tr")).to_have_count(3)
        for width in (1090, 1280, 1400):
            await page.set_viewport_size({"width": width, "height": 780})
            scrolled, inner = await widths(page)
            assert scrolled <= inner
        assert faults == []


@in_browser
async def test_the_keyboard_reaches_the_selectors_and_a_choice_stays_in_the_address(
    tmp_path, chromium
) -> None:
    async with served(tmp_path) as it:
        await it.http.post("/v1/chat/completions", json={**ASK, "metadata": {"task": "sql"}})
        await asyncio.sleep(1.2)
        page, faults = await opened(chromium, it.url)
        await expect(page.locator("#task option")).to_have_count(2)
        reached = []
        for _ in range(3):
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate("document.activeElement.id"))
        assert reached[1:] == ["route", "task"]
        assert (
            await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        )
        await page.locator("#task").select_option("sql")
        await expect(page).to_have_url(re.compile("task=sql"))
        await expect(page.locator("#deployments tbody tr")).to_have_count(3)
        assert faults == []


@in_browser
async def test_before_any_traffic_the_page_says_how_to_send_some(tmp_path, chromium) -> None:
    async with running(config_of(("acme", "http://127.0.0.1:9/v1", 1.0)), tmp_path) as it:
        page, faults = await opened(chromium, it.url, viewport={"width": 360, "height": 780})
        await expect(page.locator("#empty")).to_be_visible()
        await expect(page.locator("#curl")).to_contain_text(f"curl {it.url}/v1/chat")
        await expect(page.locator("#board")).to_be_hidden()
        scrolled, inner = await widths(page)
        assert scrolled <= inner
        assert faults == []


@in_browser
async def test_a_lost_connection_is_said_and_mended(tmp_path, chromium) -> None:
    async with served(tmp_path) as it:
        page, _ = await opened(chromium, it.url)
        await expect(page.locator("#state")).to_have_attribute("data-state", "live")
        await page.context.set_offline(True)
        await page.locator("#route").dispatch_event("change")
        await expect(page.locator("#state")).to_have_attribute("data-state", "lost")
        await expect(page.locator("#state-text")).to_contain_text("disconnected")
        await page.context.set_offline(False)
        await expect(page.locator("#state")).to_have_attribute("data-state", "live")


@in_browser
async def test_where_keys_are_required_the_page_asks_for_one(tmp_path, chromium) -> None:
    config = config_of(("acme", "http://127.0.0.1:9/v1", 1.0)) + '[server]\nkeys = "required"\n'
    token = "admin-" + "t" * 32
    async with running(config, tmp_path, WINDSOCK_ADMIN_TOKEN=token) as it:
        page, _ = await opened(chromium, it.url)
        await expect(page.locator("#locked")).to_be_visible()
        await page.locator("#key").fill("sk-ws-wrong")
        await page.keyboard.press("Enter")
        await expect(page.locator("#locked-why")).to_contain_text("not known")


async def test_the_page_may_only_load_what_this_service_serves(tmp_path) -> None:
    async with running(config_of(("acme", "http://127.0.0.1:9/v1", 1.0)), tmp_path) as it:
        script = await it.http.get("/ui/static/uPlot.iife.min.js", headers={"accept-encoding": ""})
        assert "content-encoding" not in script.headers
        assert script.text.startswith("/*! https://github.com/leeoniya/uPlot")
        answer = await it.http.get("/")
        assert answer.headers["content-security-policy"].startswith("default-src 'self';")
        for address in re.findall(r'(?:src|href)="(/ui/[^"]+)"', answer.text):
            assert (await it.http.get(address)).status_code == 200
        for name in ("nothing.js", "..%2Fdashboard.py", "panels/..%2F..%2Fapp.py", "panels"):
            assert (await it.http.get(f"/ui/static/{name}")).status_code == 404


async def test_after_its_first_view_the_stream_sends_only_new_points(tmp_path) -> None:
    async with running(config_of(("acme", "http://127.0.0.1:9/v1", 1.0)), tmp_path) as it:
        dashboard = it.service.dashboard
        for _ in range(3):
            dashboard.sample()
        full = dashboard.view(None, None, "default")
        again = dashboard.view(None, None, "default", since=full["prices"]["at"][1])
        assert again["prices"]["at"] == full["prices"]["at"][2:]


async def test_streams_of_one_cell_share_their_views_for_a_moment(tmp_path) -> None:
    clock = ManualClock(1e9)
    config = config_of(("acme", "http://127.0.0.1:9/v1", 1.0))
    async with running(config, tmp_path, clock=clock) as it:
        dashboard = it.service.dashboard
        first = dashboard.encoded(None, None, "default", 0.0)
        clock.advance_to(1e9 + 0.5)
        dashboard.sample()
        assert dashboard.encoded(None, None, "default", 0.0) == first
        assert dashboard.encoded(None, None, "other", 0.0) != first
        clock.advance_to(1e9 + 1.0)
        _, last = dashboard.encoded(None, None, "default", 0.0)
        assert last == 1e9 + 0.5


async def test_streams_end_once_the_dashboard_is_closed(tmp_path) -> None:
    async with running(config_of(("acme", "http://127.0.0.1:9/v1", 1.0)), tmp_path) as it:
        async with it.http.stream("GET", "/ui/api/stream") as answer:
            it.service.dashboard.close()
            views = [line async for line in answer.aiter_lines() if line.startswith("data: ")]
        assert len(views) == 1


def test_vendored_files_are_the_ones_that_were_summed() -> None:
    lines = (STATIC / "SHA256SUMS").read_text().splitlines()
    assert len(lines) == 3
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == digest


def test_the_page_holds_no_inline_script_or_style_and_no_other_origin() -> None:
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|https?://", page)
    for script in STATIC.rglob("*.js"):
        text = script.read_text()
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(", text)
