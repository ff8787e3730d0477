"""Whom a call asks, in which format, and with what of the request."""
