"""The frontier on the page: a picture, its table twin, one task or all, at every width."""

import re

from playwright.async_api import expect

from tests.service.test_dashboard import in_browser
from tests.service.test_views_of_prices_and_money import row, served, viewed
from windsock.core.model.requests import Cell


@in_browser
async def test_the_frontier_is_a_picture_with_its_table(tmp_path, chromium) -> None:
    async with served(tmp_path) as found, viewed(chromium, found, "frontier") as page:
        short = page.locator('[data-name="in-short"]')
        await expect(short).to_contain_text("auto stands at")
        await expect(short).to_contain_text(
            re.compile(r"that may be as good, at \$[0-9.]+ a success")
        )
        picture = page.locator(".scatter svg")
        assert await picture.get_attribute("role") == "img"
        await expect(picture.locator(".today text")).to_have_text("today")
        await expect(picture.locator(".deployment")).to_have_count(2)
        await expect(picture.locator(".quality")).to_have_count(4)
        names = await picture.locator(".quality text").all_text_contents()
        assert names[0] == "economy", "those that would lie upon others are not written"
        assert set(names) <= {"economy", "balanced", "high", "max"}
        await expect(row(page, "wishes-table", "delta/m").first).to_be_visible()
        await expect(row(page, "wishes-table", "quality balanced")).to_have_count(1)
        await page.get_by_label("Of").select_option("default")
        await expect(page).to_have_url(f"{found.it.url}/#/frontier?of=default")
        await expect(picture.locator(".today text")).to_have_text("today")
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            await page.screenshot(path=tmp_path / f"{scheme}.png")


@in_browser
async def test_a_floor_out_of_reach_is_shown_with_what_is_reachable(tmp_path, chromium) -> None:
    async with served(tmp_path) as found:
        cell, now = Cell("default", "auto", "default"), found.it.service.clock.now()
        for name in ("delta/m", "erin/m"):
            found.it.service.router.learn_sums(cell, name, 200.0, 120.0, 120.0, now)
        async with viewed(chromium, found, "held") as page:
            floor = page.locator('[data-name="floors"] tbody tr')
            await expect(floor).to_contain_text("90")
            await expect(floor).to_contain_text("default")
