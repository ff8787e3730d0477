"""The kinds of arrays that beliefs and policies compute with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


Indices = NDArray[np.intp]


IntArray = NDArray[np.intp]
