"""Take dashboard.png and dashboard-dark.png from a running service.

`windsock demo` in one shell; two minutes later, in another, `python docs/assets/screenshot.py`.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8787/?task=extraction"
PICTURES = {"light": "dashboard.png", "dark": "dashboard-dark.png"}
SIZE = {"width": 1280, "height": 1115}
LOADED_MS = 2500


def main() -> None:
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for scheme, name in PICTURES.items():
            page = chromium.new_page(viewport=SIZE, color_scheme=scheme, device_scale_factor=1.5)
            page.goto(URL)
            page.wait_for_timeout(LOADED_MS)
            page.screenshot(path=Path(__file__).parent / name)
        chromium.close()


if __name__ == "__main__":
    main()
