"""Runs a program and its tests, in a process of its own that may do little else.

A script: `sandbox.py` starts it with `python -I -S` and gives it one line of JSON (program, tests,
word, limits). It writes the word if all tests pass; it ends with UNREADABLE if the tests are no
Python or the limits cannot be set.
"""

import json
import os
import sys
from pathlib import Path

UNREADABLE = 3

FORBIDDEN = (
    "socket.", "subprocess.", "ctypes.", "os.system", "os.exec", "os.fork", "os.posix_spawn",
    "os.spawn", "os.kill", "os.putenv", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link",
    "os.symlink", "os.chmod", "os.chown", "os.truncate", "os.utime", "shutil.", "signal.", "pty.",
    "urllib.", "http.", "ftplib.", "smtplib.", "sqlite3.", "mmap.", "syslog.", "webbrowser.",
    "sys._current_frames", "gc.", "resource.",
)  # fmt: skip
"""What Python tells of before it is done; by it the program is ended."""


def limit(seconds: int, megabytes: int) -> None:
    """Processor time, memory, files; and no network, where the system lets us leave it."""
    import resource

    size = megabytes * 1024 * 1024
    for name, most in (("CPU", seconds), ("AS", size), ("FSIZE", 0), ("CORE", 0), ("NOFILE", 32)):
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    try:
        import ctypes

        ctypes.CDLL(None).unshare(0x10000000 | 0x40000000)  # a user and a network of its own
    except (AttributeError, OSError, ImportError):
        return


def forbid() -> None:
    """End the program when it reaches for anything but its own files of code."""
    roots = tuple({sys.prefix, sys.base_prefix, str(Path.cwd())})

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(FORBIDDEN):
            os._exit(1)
        if event == "open" and not _is_read(arguments, roots):
            os._exit(1)

    sys.addaudithook(hook)


def _is_read(arguments: tuple[object, ...], roots: tuple[str, ...]) -> bool:
    path, mode, flags = (*arguments, None, None, None)[:3]
    is_write = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    known = os.path.realpath(os.fsdecode(path)) if isinstance(path, str | bytes) else ""
    return not is_write and mode != "w" and known.startswith(roots)


def main() -> int:
    """0 whether or not the tests pass: only the word tells that."""
    asked = json.loads(sys.stdin.readline())
    told = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        tests = compile(asked["tests"], "tests", "exec")
        limit(asked["seconds"], asked["megabytes"])
    except (SyntaxError, ValueError, ImportError, OSError):
        return UNREADABLE
    word = asked["word"].encode()
    names: dict[str, object] = {"__name__": "answer"}
    forbid()
    exec(compile(asked["program"], "answer", "exec"), names)  # noqa: S102
    exec(tests, names)  # noqa: S102
    os.write(told, word)
    return 0


if __name__ == "__main__":
    os._exit(main())
