"""Requests that are sent to a second deployment as well, beside those of callers."""
