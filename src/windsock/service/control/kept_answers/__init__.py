"""Answers by their id, where the deployment that gave them keeps them."""
