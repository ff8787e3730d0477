"""What people look at on the page and in the terminal: feeds, keys, evidence, savings, health."""
