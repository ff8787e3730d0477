"""The table of clients: what runs, in which environment, in whose format it speaks."""

from __future__ import annotations

from dataclasses import dataclass

MODELS = {
    "openai": ("gpt-4.1-mini", "gpt-4.1-nano"),
    "anthropic": ("claude-sonnet-4-5", "claude-haiku-4-5"),
    "google": ("gemini-2.5-flash", "gemini-2.5-flash-lite"),
}
"""By family: a model, and one whose rate limit is always used up."""


@dataclass(frozen=True)
class Row:
    """One client.

    environment     a folder of .parity
    family          whose names of models it uses
    way             which of its formats, where a driver has several
    """

    name: str
    environment: str
    driver: str
    family: str = "openai"
    way: str = ""


ROWS = (
    Row("openai-python, chat", "sdks", "openai_chat.py"),
    Row("openai-python, responses", "sdks", "openai_responses.py"),
    Row("anthropic-python", "sdks", "anthropic_messages.py", "anthropic"),
    Row("google-genai, Python", "sdks", "google_genai.py", "google"),
    Row("LangChain, openai", "frameworks", "langchain_openai_chat.py"),
    Row("LangChain, anthropic", "frameworks", "langchain_anthropic_chat.py", "anthropic"),
    Row("LangChain, google", "frameworks", "langchain_google.py", "google"),
    Row("LlamaIndex", "frameworks", "llama_index_openai.py"),
    Row("Pydantic AI, responses", "pydantic-ai", "pydantic_ai_agent.py", "openai", "responses"),
    Row("Pydantic AI, chat", "pydantic-ai", "pydantic_ai_agent.py", "openai", "chat"),
    Row("Pydantic AI, anthropic", "pydantic-ai", "pydantic_ai_agent.py", "anthropic", "anthropic"),
    Row("Pydantic AI, google", "pydantic-ai", "pydantic_ai_agent.py", "google", "google"),
    Row("OpenAI Agents, responses", "frameworks", "openai_agents.py", "openai", "responses"),
    Row("OpenAI Agents, chat", "frameworks", "openai_agents.py", "openai", "chat"),
    Row("Haystack", "frameworks", "haystack_openai.py"),
    Row("Instructor, openai", "frameworks", "instructor_modes.py", "openai", "openai"),
    Row("Instructor, anthropic", "frameworks", "instructor_modes.py", "anthropic", "anthropic"),
    Row("LiteLLM SDK", "litellm", "litellm_sdk.py"),
    Row("DSPy", "litellm", "dspy_lm.py"),
    Row("openai-node, chat", "sdks-node", "openai_chat.mjs"),
    Row("openai-node, responses", "sdks-node", "openai_responses.mjs"),
    Row("anthropic-ts", "sdks-node", "anthropic_messages.mjs", "anthropic"),
    Row("google-genai, JavaScript", "sdks-node", "google_genai.mjs", "google"),
    Row("AI SDK, openai", "sdks-node", "ai_sdk.mjs", "openai", "openai"),
    Row("AI SDK, openai-compatible", "sdks-node", "ai_sdk.mjs", "openai", "openai-compatible"),
    Row("AI SDK, openrouter", "sdks-node", "ai_sdk.mjs", "openai", "openrouter"),
    Row("AI SDK, anthropic", "sdks-node", "ai_sdk.mjs", "anthropic", "anthropic"),
    Row("AI SDK, google", "sdks-node", "ai_sdk.mjs", "google", "google"),
    Row("LangChain.js, openai", "sdks-node", "langchain.mjs", "openai", "openai"),
    Row("LangChain.js, anthropic", "sdks-node", "langchain.mjs", "anthropic", "anthropic"),
    Row("Java HttpClient", "java", "HttpClientOfJava.java"),
    Row("Continue, openai", "continue-node", "continue_adapters.mjs", "openai", "openai"),
    Row("Continue, anthropic", "continue-node", "continue_adapters.mjs", "anthropic", "anthropic"),
    Row("Codex CLI", "agents-node", "agent"),
    Row("Claude Code", "agents-node", "agent", "anthropic"),
    Row("opencode", "agents-node", "agent"),
    Row("qwen-code", "agents-node", "agent"),
    Row("Cline CLI", "agents-node", "agent"),
    Row("Gemini CLI", "agents-node", "agent", "google"),
    Row("aider", "aider", "agent"),
)
