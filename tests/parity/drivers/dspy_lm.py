"""DSPy."""

import dspy
from harness import KEY, LIMITED, MODEL, UNKNOWN, URL, ask, run, told


def _lm(model=MODEL, key=KEY, **more):
    return dspy.LM(
        f"openai/{model}", api_base=f"{URL}/v1", api_key=key, cache=False, num_retries=0, **more
    )


def text():
    lm = _lm()
    text = lm(ask("text"))
    return told(text=text, usage=lm.history[-1]["usage"].get("total_tokens"))


def responses():
    return told(text=_lm(model_type="responses")(ask("text")))


def wrong_key():
    return _lm(key="sk-wrong")(ask("text"))


def unknown_model():
    return _lm(UNKNOWN)(ask("text"))


def limited():
    return _lm(LIMITED)(ask("text"))


def too_long():
    return _lm()(ask("too_long"))


run(globals())
