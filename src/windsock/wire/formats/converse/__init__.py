"""Bedrock's Converse as AWS speaks it: chat completions told to it and back."""
