"""The report: one file, read in a real browser, with nothing from outside."""

import re
from contextlib import nullcontext
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.evaluation.logs import small
from tests.service.test_dashboard import in_browser, widths
from windsock.simulation.reporting import html_report
from windsock.simulation.reporting.findings import of_case, standings
from windsock.simulation.reporting.wording import dollars, headline, percent
from windsock.simulation.sweeps.parameter_grid import cases
from windsock.simulation.sweeps.sweep import Sweep, jobs_of, sweep

pytestmark = pytest.mark.xdist_group("report")

SHOCK = {"at_hour": 0.15, "deployment": "openai/gpt-4o-mini", "input": 1.5, "output": 6}


@pytest.fixture(scope="module")
def found() -> Sweep:
    jobs = jobs_of(
        cases(small(hours=0.3, shocks=[SHOCK]), ["route.explore=0.02,0.1"]),
        ["windsock", "flagship", "cheapest", "oracle"],
        2,
    )
    return sweep(jobs, engine="local", at_once=1, watch=lambda _: nullcontext())


@pytest.fixture(scope="module")
def text(found: Sweep) -> str:
    return html_report.html(small(hours=0.3, shocks=[SHOCK]), "<price> & hike", found)


@pytest.fixture
def address(text: str, tmp_path: Path) -> str:
    path = tmp_path / "report.html"
    path.write_text(text, encoding="utf-8")
    return path.as_uri()


def test_the_file_names_no_address_and_escapes_what_it_is_given(text: str) -> None:
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)""", text)
    assert not re.findall(r"@import|url\(", text)
    assert "http" not in text.replace("http-equiv", "")
    assert "<price>" not in text
    assert "&lt;price&gt; &amp; hike" in text


def test_the_headline_is_the_saving_against_the_flagship(found: Sweep) -> None:
    first = of_case(standings(found.results), found.cases[0].settings)
    ours, flagship = first["windsock"], first["flagship"]
    said = headline(found.cases[0].scenario, first)
    saved = 1 - ours.spend_usd.mean / flagship.spend_usd.mean
    assert dollars(ours.spend_usd.mean) in said
    assert dollars(flagship.spend_usd.mean) in said
    assert f"{saved * 100:.0f} % less" in said
    gain = (ours.success.mean - flagship.success.mean) * 100
    assert f"{abs(gain):.1f} points {'more' if gain > 0 else 'fewer'}" in said


@pytest.mark.parametrize(
    ("usd", "text"),
    [(0.0, "$0"), (0.0013149, "$0.00131"), (4.523, "$4.52"), (12345.6, "$12,346"),
     (-2.5, "−$2.50"), (float("inf"), "no end of money")],
)  # fmt: skip
def test_money_is_told_in_three_digits(usd: float, text: str) -> None:
    assert dollars(usd) == text


@in_browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
async def test_it_renders_without_a_fault_or_a_request(scheme, width, address, chromium) -> None:
    context = await chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    sheet = await context.new_page()
    faults: list[str] = []
    sheet.on("console", lambda said: faults.append(said.text))
    sheet.on("pageerror", lambda error: faults.append(str(error)))
    sheet.on("request", lambda asked: faults.append(asked.url) if asked.url != address else None)
    await sheet.goto(address)
    await expect(sheet.locator("h1")).to_contain_text("windsock would have spent")
    opened = sheet.locator("details[open]")
    await expect(opened.locator("figure").first.locator("path.line")).to_have_count(3)
    assert await opened.locator("path.area").count() >= 3
    assert await opened.locator("line.event").count() >= 2
    scrolled, inner = await widths(sheet)
    assert scrolled <= inner
    paper = await sheet.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(15, 16, 19)"}[scheme]
    assert faults == []


@in_browser
async def test_the_cursor_reads_the_numbers_by_mouse_and_by_keyboard(address, chromium) -> None:
    sheet = await chromium.new_page(viewport={"width": 1280, "height": 900})
    await sheet.goto(address)
    shown = sheet.locator("details[open] section").first.locator("figure:has(output)").nth(1)
    said = shown.locator("output")
    await shown.focus()
    await sheet.keyboard.press("ArrowRight")
    by_keyboard = [await said.nth(k).inner_text() for k in range(3)]
    await shown.locator("svg[role=img]").hover()
    by_mouse = [await said.nth(k).inner_text() for k in range(3)]
    for told in (by_keyboard, by_mouse):
        assert all(re.fullmatch(r"\d+\.\d %", each) for each in told)
        assert sum(float(each.split()[0]) for each in told) == pytest.approx(100, abs=0.2)


@in_browser
async def test_every_picture_has_a_name_and_a_table_that_says_the_same(
    found, address, chromium
) -> None:
    sheet = await chromium.new_page(viewport={"width": 1280, "height": 900})
    await sheet.goto(address)
    opened = sheet.locator("details[open]")
    for picture in await opened.locator("figure svg[role=img]").all():
        assert await picture.get_attribute("aria-label")
    row = opened.locator("tr", has_text="the flagship alone").first
    first = of_case(standings(found.results), found.cases[0].settings)
    told = await row.inner_text()
    assert dollars(first["flagship"].spend_usd.mean) in told
    assert percent(first["flagship"].success.mean, 2) in told
    assert await opened.locator("details.twin table").count() == 3
