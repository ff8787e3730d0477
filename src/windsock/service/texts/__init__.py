"""Texts of requests in memory: who may hold them, and what people read of them."""
