"""Declarations of feeds become ticks: definition, reading, fetching, polling."""
