"""Answers are held against what makes them right: checks of a route, and of the caller."""
