"""The HTTP edge: the core driven by wall time and real requests."""
