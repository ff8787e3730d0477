"""Who serves together over one database."""
