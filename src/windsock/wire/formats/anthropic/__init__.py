"""Anthropic's Messages as a provider speaks them: chat completions told to it and back."""
