"""Anthropic's Messages in front of chat completions; `anthropic` is the same behind them."""
