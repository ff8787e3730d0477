"""Calling models: the wire formats, the caller, and provider presets."""
