"""The wall clock steps; the polls go on."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
HOUR, DAY = 3600, 86400


def stepped(steps: list[str]) -> list[dict[str, Any]]:
    """What `clock_steps.py` saw of each step, under libfaketime."""
    with tempfile.TemporaryDirectory() as folder:
        steps_file = Path(folder) / "now"
        steps_file.write_text("+0")
        done = subprocess.run(
            [
                sys.executable,
                str(Path(__file__).with_name("clock_steps.py")),
                str(steps_file),
                *steps,
            ],
            env={
                **os.environ,
                "LD_PRELOAD": str(FAKETIME),
                "FAKETIME_TIMESTAMP_FILE": str(steps_file),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                # Its workaround for condition variables makes a thread that waits for the GIL spin.
                "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime (Debian package faketime) is missing")
def test_after_a_step_of_the_clock_the_next_poll_comes_within_two_intervals() -> None:
    steps = [f"-{HOUR}", f"+{2 * HOUR}", f"+{30 * DAY}"]
    seen = stepped(steps)
    assert [each["step"] for each in seen] == steps
    for each in seen:
        assert each["wait_s"] is not None, each
        assert each["wait_s"] <= 2 * 2.0, each
        assert each["lag_s"] < 0.2, each
    assert seen[0]["wall_s"] < -HOUR / 2
    assert seen[2]["wall_s"] > 20 * DAY
