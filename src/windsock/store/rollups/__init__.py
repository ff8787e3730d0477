"""Sums of requests and calls by minute, hour and day, kept with the ledger itself."""
