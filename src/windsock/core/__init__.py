"""A core that only thinks: no I/O, no async, no wall clock, no global chance."""
