"""Gemini's generateContent as a provider speaks it: chat completions told to it and back."""
