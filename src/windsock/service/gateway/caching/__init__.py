"""Answers to identical requests, kept for a while."""
