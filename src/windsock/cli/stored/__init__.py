"""Commands that look into the store."""
