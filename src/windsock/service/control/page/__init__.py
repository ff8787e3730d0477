"""The page at /: what it draws, its files, and the calls that only it makes."""
