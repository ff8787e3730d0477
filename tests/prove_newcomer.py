"""A newcomer's path in a fresh clone and a fresh environment: `make newcomer`, minutes."""

from __future__ import annotations

import subprocess
import time

from tests.test_newcomer import MOST_S, ROOT, check, commands, plain_environ, walked


async def test_from_a_clone_to_a_report_in_five_minutes(tmp_path) -> None:
    clone = ["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", str(tmp_path / "w")]
    began = time.monotonic()
    subprocess.run(clone, check=True)
    check(await walked(tmp_path / "w", commands(), plain_environ(tmp_path)))
    spent_s = time.monotonic() - began
    print(f"\nfrom clone to report: {spent_s:.0f} s")
    assert spent_s < MOST_S
