"""How the interpreter may stop the event loop, and what memory it holds."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from collections.abc import Iterator

SWITCH_S = 0.0002
"""How long the event loop waits for a busy worker thread; Python's default is 5 ms."""

THRESHOLDS = (2_000, 4, 1_000_000)
"""The oldest generation, where thousands of decisions wait for feedback, is left alone: one look
takes 50 ms. Requests leave no cycles behind; what the store does is found in the younger two, in
less than a millisecond a look.
"""


def shorten() -> None:
    """Short pauses from now on, for the life of the process; what was built so far is kept."""
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def settle() -> None:
    """What is there now stays: a look through what was restored would hold up requests by 100 ms.

    Only in a process that `shorten` made the service's own: in any other, services come and go, and
    what is frozen is never freed.
    """
    if gc.get_threshold() == THRESHOLDS:
        gc.freeze()


def give_back() -> None:
    """Memory between what is in use goes back to the system; the C library keeps it otherwise.

    A burst of large bodies leaves 16 MB. It takes milliseconds, so call it in a thread.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@contextlib.contextmanager
def seldom_collected() -> Iterator[None]:
    """The oldest generation is left alone while what is built grows and stays: each look through
    all of it is in vain, and they take as long as the work."""
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """No look for garbage while much is built at once that is no garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
