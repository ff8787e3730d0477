"""Calls beside text: rerank, moderation, sound and images, in OpenAI's and Cohere's form."""
