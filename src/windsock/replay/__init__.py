"""The simulator edge: the core driven by a manual clock and a made-up world."""
