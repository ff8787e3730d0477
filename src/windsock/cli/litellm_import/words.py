"""LiteLLM's words for providers, and what stands in place of its settings here."""

from __future__ import annotations

PROVIDERS = {
    "custom_openai": "openai",
    "openai_like": "openai",
    "vertex_ai_beta": "google-vertex",
    "llamafile": "llamacpp",
    "codestral": "mistral",
}
"""Prefixes of its model names that are no name of a provider here."""

BARE = (
    ("claude", "anthropic"),
    ("gemini", "google-vertex"),
    ("command", "cohere"),
    ("mistral", "mistral"),
    ("deepseek", "deepseek"),
    ("grok", "xai"),
)
"""Whom it asks for a model that names nobody, by how the name begins; all others are OpenAI's."""

ADDRESSES = {
    "nvidia_nim": ("https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    "friendliai": ("https://api.friendli.ai/serverless/v1", "FRIENDLI_TOKEN"),
    "featherless_ai": ("https://api.featherless.ai/v1", "FEATHERLESS_AI_API_KEY"),
    "nscale": ("https://inference.api.nscale.com/v1", "NSCALE_API_KEY"),
    "meta_llama": ("https://api.llama.com/compat/v1", "LLAMA_API_KEY"),
    "volcengine": ("https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY"),
    "ai21": ("https://api.ai21.com/studio/v1", "AI21_API_KEY"),
    "lambda_ai": ("https://api.lambda.ai/v1", "LAMBDA_API_KEY"),
    "hyperbolic": ("https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY"),
}
"""Where it calls providers of which nothing is known here, and the variable with their key."""

BASES = {
    "azure": "AZURE_API_BASE",
    "ollama": "OLLAMA_API_BASE",
    "vllm": "HOSTED_VLLM_API_BASE",
    "lmstudio": "LM_STUDIO_API_BASE",
}
"""Variables in which it looks for the address of a provider, where none is stated."""

WAYS = ("responses/", "chat/", "converse/", "invoke/", "o_series/", "gpt5_series/", "global/")
"""Before a model's name: how it is to be called, which is one way here."""

BY_RESPONSES = {"openai": "openai-responses"}
"""Providers that are another one here where a way says so: its models have nothing else."""

UNSERVED = {"google-vertex": ("claude", "mistral", "codestral", "jamba"), "azure": ("claude",)}
"""How models begin that a provider sells, but not at the endpoint by which it is called here."""

KEYS = {"azure": "AZURE_API_KEY"}
"""Where it looks for a provider's key, if elsewhere than the preset says."""

SIGNS_IN = ("tenant_id", "client_id", "azure_ad_token", "azure_username")
"""Parameters of a sign-in without a key."""

ACCOUNT = {
    "api_key": "api_key",
    "azure_ad_token": "api_key",
    "api_version": "api_version",
    "aws_region_name": "region",
    "vertex_location": "region",
    "vertex_ai_location": "region",
    "vertex_project": "project",
    "vertex_ai_project": "project",
}
"""Parameters that say where and as whom a provider is called, and their names here."""

FACTS = {
    "max_input_tokens": "context_tokens",
    "max_output_tokens": "max_output_tokens",
    "supports_vision": "vision",
    "supports_audio_input": "audio",
    "supports_function_calling": "tools",
    "supports_response_schema": "json_schema",
}
"""What `model_info` says of a model, and its name among capabilities."""

SILENT = {
    "model", "custom_llm_provider", "api_base", "base_url", "organization", "extra_headers",
    "headers", "timeout", "stream_timeout", "order", "base_model", "id", "mode", "description",
    "db_model", "litellm_provider", "key", "drop_params", "additional_drop_params",
    "use_in_pass_through", "access_groups", "team_id", "supports_streaming", "supports_reasoning",
    "supports_system_messages", "supports_tool_choice", "supports_prompt_caching",
    "supports_parallel_function_calling", "health_check_timeout", "health_check_model",
    "merge_reasoning_content_in_choices", "aws_bedrock_runtime_endpoint",
}  # fmt: skip
"""Stated for a deployment and either carried elsewhere, or true here by itself, or a comment."""

_REQUEST = "send it with each request"
_AWS = "give AWS's own variables to the service (AWS_ACCESS_KEY_ID and its kin, or AWS_PROFILE)"
_ENTRA = "give AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET to the service"
_RATE = (
    "the rate that a provider takes is learnt from its refusals; [providers.NAME] max_concurrent "
    "bounds calls at a time"
)
_BUDGET = "[caps.NAME] bounds dollars by key, route, provider and model family"
_KEYS = "keys with limits and budgets are made by 'windsock keys create'"
_TEXTS = "texts are never logged and never in the store; [labels] texts holds some in memory"
_EVENTS = "events go to [[webhooks]], counts to /metrics, every call to the ledger"
_HEALTH = "health is learnt from live traffic (docs/gateway.md, Health)"
_PRICE = "traffic follows price and success; [routes.NAME] policy names a fixed rule"
_RETRIES = "which failures are tried again, and when, is told in docs/gateway.md, Attempts"
_SHARED = "one process keeps the state; answers may be shared by [cache] url"

UNTIMED = "[caps.NAME] bounds dollars above 0 by the day, week or month, or in total: state one"
"""Of a budget that no cap can stand for."""

OF_ANSWERS = "kept are answers at temperature 0, or where a request has x-windsock-cache: use"

OF_A_CACHE = {
    "namespace": "give each service a database of its own in [cache] url",
    "mode": OF_ANSWERS,
    "supported_call_types": "kept are chats, embeddings and what else is asked alike",
}
"""Of `cache_params`."""

OF_A_DEPLOYMENT = {
    "rpm": _RATE,
    "tpm": _RATE,
    "max_parallel_requests": "set [providers.NAME] max_concurrent",
    "weight": "shares follow price and success; state none",
    "temperature": _REQUEST,
    "max_tokens": _REQUEST,
    "max_completion_tokens": _REQUEST,
    "top_p": _REQUEST,
    "top_k": _REQUEST,
    "seed": _REQUEST,
    "stop": _REQUEST,
    "frequency_penalty": _REQUEST,
    "presence_penalty": _REQUEST,
    "reasoning_effort": _REQUEST,
    "thinking": _REQUEST,
    "extra_body": _REQUEST,
    "num_retries": "[routes.NAME] max_attempts holds for all candidates of a route",
    "max_retries": "[routes.NAME] max_attempts holds for all candidates of a route",
    "aws_access_key_id": _AWS,
    "aws_secret_access_key": _AWS,
    "aws_session_token": _AWS,
    "aws_profile_name": _AWS,
    "aws_role_name": _AWS,
    "aws_session_name": _AWS,
    "vertex_credentials": "give GOOGLE_APPLICATION_CREDENTIALS to the service",
    "vertex_ai_credentials": "give GOOGLE_APPLICATION_CREDENTIALS to the service",
    "tenant_id": _ENTRA,
    "client_id": _ENTRA,
    "client_secret": _ENTRA,
    "azure_username": _ENTRA,
    "azure_password": _ENTRA,
    "service_tier": _REQUEST,
    "keep_alive": _REQUEST,
    "safety_settings": _REQUEST,
    "guardrailConfig": "no content is filtered here",
    "guardrails": "no content is filtered here",
    "allowed_openai_params": "[deployments.NAME.parameters] takes",
    "team_public_model_name": "give the route an alias, and keys a list of models (--model)",
    "cooldown_time": _HEALTH,
    "mock_testing_fallbacks": "'windsock demo' has paper providers",
    "use_litellm_proxy": "state the proxy's address: preset litellm",
    "tags": "name candidates in a route of its own",
    "region_name": "name candidates in a route of its own",
    "max_budget": _BUDGET,
    "budget_duration": _BUDGET,
    "cache_control_injection_points": "send cache_control with each request",
    "mock_response": "'windsock demo' has paper providers",
}
"""What is stated for a deployment and not carried, and what to do instead."""

OF_THE_ROUTER = {
    "routing_strategy": _PRICE,
    "routing_strategy_args": _PRICE,
    "retry_after": _RETRIES,
    "retry_policy": _RETRIES,
    "model_group_retry_policy": _RETRIES,
    "allowed_fails": _HEALTH,
    "allowed_fails_policy": _HEALTH,
    "cooldown_time": _HEALTH,
    "disable_cooldowns": _HEALTH,
    "enable_pre_call_checks": "context windows and abilities are always looked at before a call",
    "redis_host": _SHARED,
    "redis_port": _SHARED,
    "redis_password": _SHARED,
    "redis_url": _SHARED,
    "default_max_parallel_requests": "set [providers.NAME] max_concurrent",
    "cache_responses": "set [cache] enabled = true",
    "tag_filtering": "name candidates in a route of its own",
    "enable_tag_filtering": "name candidates in a route of its own",
    "redis_db": _SHARED,
    "max_fallbacks": "[routes.NAME] max_attempts bounds them",
    "default_litellm_params": _REQUEST,
    "optional_pre_call_checks": "a conversation stays where its prompt is cached by itself",
}
"""Of `router_settings`."""

OF_LITELLM = {
    "drop_params": "what a deployment does not take is adapted by itself",
    "modify_params": "what a deployment does not take is adapted by itself",
    "success_callback": _EVENTS,
    "failure_callback": _EVENTS,
    "callbacks": _EVENTS,
    "service_callback": _EVENTS,
    "max_internal_user_budget": _KEYS,
    "default_max_internal_user_budget": _KEYS,
    "default_internal_user_params": _KEYS,
    "max_end_user_budget": _KEYS,
    "upperbound_key_generate_params": _KEYS,
    "default_key_generate_params": _KEYS,
    "cost_margin_config": "[providers.NAME] adjustments adds a share to list prices",
    "public_model_groups": "keys may ask for the models that they list (--model)",
    "turn_off_message_logging": _TEXTS,
    "redact_user_api_key_info": _TEXTS,
    "redact_messages_in_exceptions": _TEXTS,
    "return_response_headers": "answers have the headers x-windsock-*",
    "forward_traceparent_to_llm_provider": "traceparent goes on: [server] pass_headers",
    "default_team_settings": "keys have namespaces: 'windsock keys create --namespace'",
    "allowed_fails": _HEALTH,
    "cooldown_time": _HEALTH,
    "model_alias_map": "name a route instead",
    "ssl_verify": "certificates are always verified",
    "guardrails": "no content is filtered here",
    "default_model": "a client names the route",
    "telemetry": "nothing is sent to anybody",
    "force_ipv4": "addresses are chosen by the system",
}
"""Of `litellm_settings`."""

OF_THE_PROXY = {
    "database_url": "[store] url names a database of its own; LiteLLM's is not read",
    "store_model_in_db": "models in its database are not in this file; GET /model/info lists them",
    "max_response_size_mb": "answers are passed on as they come",
    "forward_client_headers_to_llm_api": "[server] pass_headers names the headers that go on",
    "store_prompts_in_spend_logs": _TEXTS,
    "maximum_spend_logs_retention_period": "[store.retention] says how long the ledger is kept",
    "key_management_system": "give secrets to the service as environment variables: ${NAME}",
    "allowed_routes": "keys have scopes: 'windsock keys create --scope'",
    "enforce_user_param": "a request needs no user; keys tell who asks",
    "litellm_key_header_name": "a key comes as Authorization, x-api-key, api-key, x-goog-api-key",
    "infer_model_from_keys": "name models, or start without a windsock.toml: keys name providers",
    "alerting": _EVENTS,
    "alerting_threshold": _EVENTS,
    "alert_types": _EVENTS,
    "custom_auth": _KEYS,
    "enable_jwt_auth": _KEYS,
    "enable_oauth2_auth": _KEYS,
    "allowed_ips": "let a proxy or firewall in front decide who may connect",
    "background_health_checks": _HEALTH,
    "health_check_interval": _HEALTH,
    "pass_through_endpoints": "only calls of models are routed",
    "ui_access_mode": "the dashboard stands at / and needs a key with the scope read",
    "completion_model": "a client names the route",
    "disable_spend_logs": "[store] keeps every decision; 'windsock db' prunes it",
    "spend_report_frequency": "'windsock report' and /v1/report tell what was spent",
}
"""Of `general_settings`."""

AT_THE_TOP = {
    "environment_variables": "set them in the environment of the service",
    "files_settings": "files and fine-tuning go to the provider itself",
    "finetune_settings": "files and fine-tuning go to the provider itself",
    "guardrails": "no content is filtered here",
    "mcp_servers": "tools are called by clients",
    "callback_settings": _EVENTS,
    "vector_store_registry": "only calls of models are routed",
    "search_tools": "only calls of models are routed",
    "prompts": "prompts come with requests",
    "agents": "only calls of models are routed",
}
"""Other tables of the file."""

UNKNOWN = "has no counterpart"
"""Of what no table here knows."""
