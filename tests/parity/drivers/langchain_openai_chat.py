"""LangChain with langchain-openai: chat completions, then what it calls Responses."""

from harness import KEY, LIMITED, MODEL, TOOL, UNKNOWN, URL, ask, run, told
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    celsius: int


def _model(model=MODEL, key=KEY, **more):
    return ChatOpenAI(model=model, base_url=f"{URL}/v1", api_key=key, max_retries=0, **more)


def _used(usage):
    if usage is None:
        return None
    read = (usage.get("input_token_details") or {}).get("cache_read")
    return [usage["input_tokens"], usage["output_tokens"], usage["total_tokens"], read]


def _told(answer):
    return told(
        text=answer.text if isinstance(answer.text, str) else answer.text(),
        tools=[[c["id"], c["name"], c["args"]] for c in answer.tool_calls],
        finish=answer.response_metadata.get("finish_reason"),
        usage=_used(answer.usage_metadata),
    )


def _summed(chunks):
    whole = None
    for chunk in chunks:
        whole = chunk if whole is None else whole + chunk
    return _told(whole)


def _tool():
    return {"type": "function", "function": TOOL}


def text():
    return _told(_model().invoke(ask("text")))


def text_streamed():
    return _summed(_model().stream(ask("text")))


def text_streamed_with_usage():
    return _summed(_model(stream_usage=True).stream(ask("text")))


def tools():
    return _told(_model().bind_tools([_tool()]).invoke(ask("spoken_tools")))


def tools_streamed():
    return _summed(_model().bind_tools([_tool()]).stream(ask("tools")))


def loop():
    bound = _model().bind_tools([_tool()])
    asked = HumanMessage(ask("tools"))
    first = bound.invoke([asked])
    results = [ToolMessage("21", tool_call_id=c["id"]) for c in first.tool_calls]
    return _told(bound.invoke([asked, first, *results]))


def structured():
    return _model().with_structured_output(Weather).invoke(ask("object")).model_dump()


def structured_by_tool():
    shaped = _model().with_structured_output(Weather, method="function_calling")
    return shaped.invoke(ask("object")).model_dump()


def structured_by_json_mode():
    shaped = _model().with_structured_output(Weather, method="json_mode")
    return shaped.invoke(ask("object") + " JSON").model_dump()


def responses():
    return _told(_model(use_responses_api=True).bind_tools([_tool()]).invoke(ask("tools")))


def responses_streamed():
    return _summed(_model(use_responses_api=True).stream(ask("text")))


def responses_loop():
    bound = _model(use_responses_api=True, output_version="responses/v1").bind_tools([_tool()])
    asked = HumanMessage(ask("tools"))
    first = bound.invoke([asked])
    results = [ToolMessage("21", tool_call_id=c["id"]) for c in first.tool_calls]
    return _told(bound.invoke([asked, first, *results]))


def embeddings():
    made = OpenAIEmbeddings(
        model="text-embedding-3-small", base_url=f"{URL}/v1", api_key=KEY,
        check_embedding_ctx_length=False,
    )  # fmt: skip
    return made.embed_documents(["a", "b"])


def wrong_key():
    return _model(key="sk-wrong").invoke(ask("text"))


def unknown_model():
    return _model(UNKNOWN).invoke(ask("text"))


def limited():
    return _model(LIMITED).invoke(ask("text"))


def too_long():
    return _model().invoke(ask("too_long"))


def too_long_streamed():
    return list(_model().stream(ask("too_long")))


run(globals())
