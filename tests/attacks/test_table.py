"""The attack table in docs/reliability.md and the tests of this folder are the same rows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAST = 100


@pytest.mark.no_attack
def test_every_row_has_its_test_and_every_test_its_row() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "tests.attacks", "--check"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
    told = re.search(r"(\d+) attacks", checked.stdout)
    assert told is not None
    assert int(told[1]) >= LEAST
