"""What the interpreter collects and holds."""

import ctypes
import gc

import pytest

from windsock.app import interpreter


def test_memory_is_given_back_where_the_library_can(monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter.give_back()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    interpreter.give_back()


def test_nothing_is_collected_while_much_is_built() -> None:
    with interpreter.uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
