"""`windsock label`, and how success is known."""
