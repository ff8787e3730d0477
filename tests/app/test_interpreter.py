"""What the interpreter loads, collects and holds."""

import ctypes
import gc
import subprocess
import sys

import pytest

from windsock.app import interpreter

PROGRAM = """
import sys
from windsock.app.interpreter import import_scipy
import_scipy()
from scipy import special
import numpy
print(sorted({"numpy.f2py", "numpy.testing", "numpy.random"} & set(sys.modules)))
print(special.betainc(2.0, 3.0, 0.5), numpy.random.default_rng(1).integers(5))
"""


def test_scipy_comes_without_what_numpy_has_for_others_which_comes_when_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True
    )
    loaded, used = done.stdout.splitlines()
    assert loaded == "[]"
    assert used == "0.6875 2"


def test_memory_is_given_back_where_the_library_can(monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter.give_back()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    interpreter.give_back()


def test_nothing_is_collected_while_much_is_built() -> None:
    with interpreter.uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
