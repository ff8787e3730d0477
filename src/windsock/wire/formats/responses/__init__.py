"""OpenAI's Responses in front of chat completions."""
