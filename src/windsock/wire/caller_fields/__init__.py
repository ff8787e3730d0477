"""What the fields of a caller may hold: ranges, and the wishes that speak to the router."""
