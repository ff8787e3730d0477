"""Programs of models run apart: what they write is never the service's to hold."""

import pytest

from windsock.service.checking.sandbox import passes

FLOOD = "import os\nwhile True: os.write(3, b'x' * 100_000)"


@pytest.mark.parametrize(
    ("program", "is_right"),
    [("x = 1", True), ("x = 2", False), ("raise SystemExit", False), (FLOOD, False)],
)
async def test_a_program_passes_or_not_and_a_flood_ends_with_its_time(program, is_right) -> None:
    """Of a flood no more is held than a pipe does, and nobody waits for its end."""
    assert (
        await passes(program, "assert x == 1", wall_s=0.5 if program is FLOOD else 60) is is_right
    )
