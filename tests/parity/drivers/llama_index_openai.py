"""LlamaIndex with its defaults: OpenAI and OpenAIEmbedding, only their base is another."""

from harness import KEY, LIMITED, MODEL, UNKNOWN, URL, ask, run, told
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI, OpenAIResponses
from pydantic import BaseModel


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    celsius: int


def _get_weather(city: str) -> str:
    """The weather of a city."""
    return city


TOOL = FunctionTool.from_defaults(_get_weather, name="get_weather")


def _model(model=MODEL, key=KEY, kind=OpenAI):
    return kind(model=model, api_base=f"{URL}/v1", api_key=key, max_retries=0)


def _usage(answer):
    usage = getattr(answer.raw, "usage", None)
    return usage and usage.total_tokens


def text():
    answer = _model().complete(ask("text"))
    return told(text=answer.text, usage=_usage(answer))


def text_streamed():
    return told(text="".join(each.delta or "" for each in _model().stream_complete(ask("text"))))


def chat_streamed():
    chunks = list(_model().stream_chat([ChatMessage(role="user", content=ask("text"))]))
    return told(text="".join(each.delta or "" for each in chunks))


def tools():
    model = _model()
    answer = model.chat_with_tools([TOOL], user_msg=ask("tools"), allow_parallel_tool_calls=True)
    calls = model.get_tool_calls_from_response(answer)
    return told(tools=[[c.tool_id, c.tool_name, c.tool_kwargs] for c in calls])


def structured():
    return _model().as_structured_llm(Weather).complete(ask("object")).raw.model_dump()


def responses():
    return told(text=_model(kind=OpenAIResponses).complete(ask("text")).text)


def responses_streamed():
    chunks = _model(kind=OpenAIResponses).stream_complete(ask("text"))
    return told(text="".join(each.delta or "" for each in chunks))


def embeddings():
    made = OpenAIEmbedding(api_base=f"{URL}/v1", api_key=KEY, max_retries=0)
    return made.get_text_embedding_batch(["a", "b"])


def embeddings_of_one():
    made = OpenAIEmbedding(api_base=f"{URL}/v1", api_key=KEY, max_retries=0)
    return made.get_text_embedding("a")


def wrong_key():
    return _model(key="sk-wrong").complete(ask("text"))


def unknown_model():
    return _model(UNKNOWN).complete(ask("text"))


def limited():
    return _model(LIMITED).complete(ask("text"))


def too_long():
    return _model().complete(ask("too_long"))


run(globals())
