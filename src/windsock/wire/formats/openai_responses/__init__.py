"""OpenAI's Responses behind chat completions, or as they come; `responses` is the same in front."""
