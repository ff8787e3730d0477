"""Hard limits of what may be spent: reserved before each call, settled after it."""
