"""The kinds of arrays that beliefs and policies compute with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
"""Sums, means, weights, dollars."""

IntArray = NDArray[np.intp]
"""Counts, and where things stand in lists."""

Indices = NDArray[np.intp]
"""Which of an array's rows or columns are meant."""
