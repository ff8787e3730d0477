"""Rows of the fault table, each measured by a function."""
