"""What callers do with their answers, read from what they send next."""
