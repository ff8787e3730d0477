"""Answers of two deployments to one request, held against each other."""
