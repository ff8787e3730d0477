"""`windsock ...` as it is typed in a folder: what it prints, and how it ends."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from windsock.cli import main


def windsock(*arguments: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run in this process, which spares the start of one: from `main` on all is as it is typed."""
    command, out, err = ["windsock", *arguments], io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", command),
        patch.dict(os.environ, _environment(environ), clear=True),
        chdir(folder),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())


def windsock_alone(
    *arguments: str, folder: Path, **environ: str
) -> subprocess.CompletedProcess[str]:
    """The same as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "windsock", *arguments],
        cwd=folder,
        env=_environment(environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _environment(more: dict[str, str]) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "COLUMNS": "200", **more}
