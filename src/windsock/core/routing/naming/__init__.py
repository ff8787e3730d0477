"""What names that clients send stand for: aliases and globs of routes, suffixes of names."""
