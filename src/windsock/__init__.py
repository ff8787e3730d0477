"""windsock: the LLM router that turns with the price wind."""

__version__ = "0.1.0"
