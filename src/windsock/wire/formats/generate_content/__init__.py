"""Gemini's generateContent in front of chat completions; `gemini` is the same behind them."""
