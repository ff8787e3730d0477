"""States of a router as earlier versions wrote them."""
