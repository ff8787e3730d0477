"""Scores as other tools write them come to one value from 0 to 1, or are left out with a reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windsock.errors import BadRequest
from windsock.wire.scores.formats import FORMATS, read_scores
from windsock.wire.scores.rows import read_row, row_of
from windsock.wire.scores.score import LeftOut, NoScore, Scale, Score, value_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
UUID = "0AF76519-16CD-43DD-8448-EB211C80319C"


def read(document: Any, name: str) -> list[Score | LeftOut]:
    return read_scores(json.dumps(document).encode(), name)


def one(document: Any, name: str) -> Score:
    (score,) = read(document, name)
    assert isinstance(score, Score), score
    return score


def why(document: Any, name: str) -> str:
    """Why the one score in it is none."""
    (found,) = read(document, name)
    if isinstance(found, LeftOut):
        return found.reason
    with pytest.raises(NoScore) as error:
        value_of(found)
    return str(error.value)


def attribute(name: str, **value: Any) -> dict[str, Any]:
    return {"key": name, "value": value}


def log(*attributes: dict[str, Any], **record: Any) -> dict[str, Any]:
    body = {
        "timeUnixNano": "1764400000000000000",
        "traceId": TRACE,
        "spanId": "b7ad6b7169203331",
        "eventName": "gen_ai.evaluation.result",
        "attributes": [attribute("gen_ai.evaluation.name", stringValue="Relevance"), *attributes],
        **record,
    }
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [body]}]}]}


VALUE, LABEL = "gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label"


def test_an_evaluation_event_names_the_answer_then_the_span_then_the_trace() -> None:
    score = one(
        log(
            attribute(VALUE, doubleValue=0.8),
            attribute("gen_ai.response.id", stringValue="chatcmpl-7"),
        ),
        "otel",
    )
    assert score.names == ("chatcmpl-7", "b7ad6b7169203331", TRACE)
    assert (score.metric, score.source, value_of(score)) == ("Relevance", "otel:Relevance", 0.8)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ([attribute(VALUE, intValue="1")], 1.0),
        ([attribute(VALUE, intValue=0)], 0.0),
        ([attribute(LABEL, stringValue="not_relevant")], 0.0),
        ([attribute(LABEL, stringValue="pass")], 1.0),
        ([attribute(VALUE, doubleValue=1.0), attribute(LABEL, stringValue="fail")], 0.0),
        ([attribute(VALUE, doubleValue=0.8), attribute(LABEL, stringValue="pass")], 0.8),
        ([attribute(VALUE, doubleValue=4.0), attribute(LABEL, stringValue="pass")], 1.0),
        ([attribute(VALUE, boolValue=True)], 1.0),
    ],
)
def test_a_number_counts_unless_its_label_says_the_contrary(said: list[Any], value: float) -> None:
    """A 1 may mean relevant with one evaluator and not relevant with another: the label tells."""
    assert value_of(one(log(*said), "otel")) == value


def test_an_event_of_a_span_is_read_where_it_stands() -> None:
    event = {"name": "gen_ai.evaluation.result", "timeUnixNano": "1", "attributes": [
        attribute("gen_ai.evaluation.name", stringValue="Fluency"),
        attribute(VALUE, doubleValue=0.5)]}  # fmt: skip
    span = {"traceId": TRACE, "spanId": "b7ad6b7169203331", "events": [{"name": "other"}, event],
            "attributes": [attribute("gen_ai.response.id", stringValue="chatcmpl-9")]}  # fmt: skip
    score = one({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}, "otel")
    assert score.names == ("chatcmpl-9", "b7ad6b7169203331", TRACE)
    assert value_of(score) == 0.5


def test_other_log_records_are_no_scores() -> None:
    assert read(log(eventName="gen_ai.client.inference.operation.details"), "otel") == []


@pytest.mark.parametrize(
    "record",
    [
        {"eventName": None, "attributes": [
            attribute("event.name", stringValue="gen_ai.evaluation.result"),
            attribute("gen_ai.evaluation.name", stringValue="Relevance"),
            attribute(VALUE, doubleValue=1)]},
        {"traceId": "CvdlGRbNQ92ESOshHIAxnA==", "attributes": [
            attribute("gen_ai.evaluation.name", stringValue="Relevance"),
            attribute(VALUE, doubleValue=1)]},
    ],
)  # fmt: skip
def test_older_and_odd_senders_are_understood(record: dict[str, Any]) -> None:
    """The event's name as an attribute; ids in base64, as protobuf's own JSON has them."""
    score = one(log(**record), "otel")
    assert score.names[-1] == TRACE
    assert value_of(score) == 1.0


def test_an_evaluation_that_failed_is_no_zero() -> None:
    body = log(attribute("error.type", stringValue="timeout"), attribute(VALUE, doubleValue=0))
    assert why(body, "otel") == "the evaluation failed (timeout)"
    assert "no number" in why(log(attribute(VALUE, doubleValue="NaN")), "otel")


LANGFUSE = {"id": "s1", "traceId": TRACE, "name": "helpfulness", "timestamp": "2026-11-29T07:00Z"}


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"value": 0.9, "dataType": "NUMERIC"}, 0.9),
        ({"value": 0.9}, 0.9),
        ({"value": 1, "dataType": "BOOLEAN", "stringValue": "True"}, 1.0),
        ({"value": 0, "dataType": "BOOLEAN"}, 0.0),
        ({"value": "False", "dataType": "BOOLEAN"}, 0.0),
        ({"value": 3, "stringValue": "bad", "dataType": "CATEGORICAL"}, 0.0),
        ({"value": "partially correct", "dataType": "CATEGORICAL"}, 0.5),
        ({"value": "not relevant"}, 0.0),
        ({"value": 4, "config": {"minValue": 1, "maxValue": 5}}, 0.75),
    ],
)
def test_langfuse_scores_of_every_type(said: dict[str, Any], value: float) -> None:
    """The number of a category is its place in a list: only its word counts."""
    assert value_of(one({**LANGFUSE, **said}, "langfuse")) == value


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"value": None}, "no value"),
        ({"value": "so-so"}, "[scores.helpfulness] words"),
        ({"value": "a story", "dataType": "TEXT"}, "text"),
        ({"value": 4}, "--scale helpfulness=WORST..BEST"),
        ({"value": 1, "name": "hallucination", "dataType": "BOOLEAN"}, "less is better"),
        ({"value": 1, "name": "toxicity-score"}, "scale = [1, 0]"),
        ({"value": 1, "name": "star rating"}, '[scores."star rating"]'),
        ({"value": 1, "traceId": None, "sessionId": "abc"}, "judges a session"),
        ({"value": 1, "traceId": None, "datasetRunId": "abc"}, "judges a dataset_run"),
        ({"value": [1]}, "neither a number"),
    ],
)
def test_what_would_be_a_guess_is_left_out_with_the_mend(said: dict[str, Any], reason: str) -> None:
    assert reason in why({**LANGFUSE, **said}, "langfuse")


def test_langfuse_lists_batches_and_exports_hold_the_same() -> None:
    """GET /v2/scores, the ingestion batch, the snake case of exports as JSON lines."""
    snake = {"id": "s1", "trace_id": TRACE, "name": "helpfulness", "value": 0.4}
    listed = read({"data": [{**LANGFUSE, "value": 0.4}], "meta": {"page": 1}}, "langfuse")
    event = {"id": "e", "type": "score-create", "body": {**LANGFUSE, "value": 0.4}}
    batch = read({"batch": [{"type": "trace-create", "body": {}}, event]}, "langfuse")
    lines = read_scores((json.dumps(snake) + "\n\n" + json.dumps(snake)).encode(), "langfuse")
    assert [value_of(each) for each in (*listed, *batch, *lines)] == [0.4] * 4
    assert {each.names for each in (*listed, *batch, *lines)} == {(TRACE,)}


def test_people_are_told_from_evaluators() -> None:
    said = {**LANGFUSE, "value": 1}
    assert one({**said, "source": "ANNOTATION"}, "langfuse").source == "explicit"
    assert one({**said, "source": "EVAL"}, "langfuse").source == "langfuse:helpfulness"
    feedback = {"run_id": UUID, "key": "correctness", "score": 1}
    by_app = {**feedback, "feedback_source": {"type": "app"}}
    assert one(by_app, "langsmith").source == "explicit"
    assert one(feedback, "langsmith").source == "langsmith:correctness"


LANGSMITH = {"id": "f1", "run_id": UUID, "trace_id": UUID, "key": "correctness"}


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"score": True}, 1.0),
        ({"score": 0.25, "comment": "close", "value": None}, 0.25),
        ({"score": None, "value": "incorrect"}, 0.0),
        ({"score": None, "value": True}, 1.0),
        ({"score": 7, "feedback_config": {"type": "continuous", "min": 0, "max": 10}}, 0.7),
        ({"score": 2, "feedback_config": {"type": "categorical", "categories": [
            {"value": 1, "label": "poor"}, {"value": 2, "label": "fair"},
            {"value": 5, "label": "good"}]}}, 0.25),
        ({"value": "FAIR", "feedback_config": {"categories": [
            {"value": 0, "label": "poor"}, {"value": 4, "label": "fair"},
            {"value": 5, "label": "good"}]}}, 0.8),
        ({"score": 2, "is_lower_score_better": True,
          "feedback_config": {"type": "continuous", "min": 0, "max": 10}}, 0.8),
    ],
)  # fmt: skip
def test_langsmith_feedback_of_every_kind(said: dict[str, Any], value: float) -> None:
    score = one({**LANGSMITH, **said}, "langsmith")
    assert score.names == (UUID, TRACE)
    assert value_of(score) == pytest.approx(value)


def test_a_webhook_of_a_rule_tells_what_was_said_of_each_run() -> None:
    stats = {"user_score": {"n": 2, "avg": 0.5, "values": {}},
             "category": {"n": 0, "avg": None, "values": {"CORRECT": 1}},
             "open": {"n": 0, "avg": None, "values": {}}}  # fmt: skip
    run = {"id": UUID, "trace_id": UUID, "feedback_stats": stats, "outputs": {"id": "chatcmpl-3"}}
    body = {"rule_id": "r", "runs": [run, {"id": UUID, "feedback_stats": None}]}
    found = read(body, "langsmith")
    assert [value_of(each) for each in found[:2]] == [0.5, 1.0]
    assert found[0].names == ("chatcmpl-3", UUID, TRACE)
    with pytest.raises(NoScore, match="no value"):
        value_of(found[2])
    assert found[3] == LeftOut(place="run 2", reason="nothing was said of this run")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("decision_id,value\nd1,1\nd2,0.5\n", [1.0, 0.5]),
        ("\ufeffResponse ID;Value\nd1;0,85\nd2;1\n", [0.85, 1.0]),
        ("trace_id,score,comment\nd1,85%,\"a\nb, c\"\nd2,4/5,\n", [0.85, 0.8]),
        ("request_id\tvalue\nd1\tTRUE\nd2\t👍🏽\n", [1.0, 1.0]),
        ("id,label,score\r\nd1,fail,\r\nd2,pass,\r\n", [0.0, 1.0]),
        ("decision_id,metric,value\nd1,stars,5\nd2,stars,1\n", None),
        ("decision_id,value\nd1,\nd2,null\n", None),
    ],
)  # fmt: skip
def test_spreadsheets_as_they_come(text: str, values: list[float] | None) -> None:
    """With marks of order, semicolons and decimal commas, per cents, quotes, empty cells."""
    found = [each for each in read_scores(text.encode(), "rows") if isinstance(each, Score)]
    assert [each.names[0] for each in found] == ["d1", "d2"]
    if values is None:
        for each in found:
            with pytest.raises(NoScore):
                value_of(each)
    else:
        assert [value_of(each) for each in found] == pytest.approx(values)


def test_one_number_beyond_one_tells_of_the_whole_metric() -> None:
    """The 1 of five stars is the worst there is; only the scale can say so."""
    rows = [{"decision_id": "a", "metric": "helpful", "value": 1},
            {"decision_id": "b", "metric": "helpful", "value": 5}]  # fmt: skip
    found = read({"scores": rows}, "rows")
    for each in found:
        with pytest.raises(NoScore, match="reaches from 1 to 5"):
            value_of(each)
    assert [value_of(each, Scale(worst=1, best=5)) for each in found] == [0.0, 1.0]


def test_a_scale_may_go_down_and_ends_where_it_ends() -> None:
    fault = read_row({"id": "a", "metric": "toxicity", "value": 0.1}, "row 1")
    assert value_of(fault, Scale(worst=1.0, best=0.0)) == pytest.approx(0.9)
    with pytest.raises(NoScore, match="outside its scale"):
        value_of(fault, Scale(worst=5.0, best=1.0))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1,", b"\xff\xff", b"null", b"7", b'{"data": 3}', b'[[], "x", null, 3]',
     b'{"runs": [3, null, {"feedback_stats": 7}]}', b'{"resourceLogs": [{"scopeLogs": 3}]}',
     b'{"batch": [{"type": "score-create", "body": 4}]}', b"a,b\n1,2\n", b'{"a": 1}\nnope'],
)  # fmt: skip
def test_nonsense_is_an_error_of_the_caller_or_left_out(body: bytes, name: str) -> None:
    try:
        found = read_scores(body, name)
    except BadRequest:
        return
    assert all(isinstance(each, LeftOut) for each in found)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=6) | st.integers(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["runs", "data", "batch", "scores", "body", "id", "run_id", "traceId",
                         "key", "name", "score", "value", "feedback_stats", "feedback_config",
                         "categories", "resourceLogs", "scopeLogs", "logRecords", "attributes",
                         "eventName", "extra", "metadata", "outputs", "correction", "config",
                         "dataType", "feedback_source", "scale", "reach", "names", "label"]),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(JSON, st.sampled_from(sorted(FORMATS)))
def test_whatever_the_shape_a_score_has_a_value_or_a_reason(document: Any, name: str) -> None:
    try:
        found = read_scores(json.dumps(document).encode(), name)
    except BadRequest:
        return
    for each in found:
        if isinstance(each, Score):
            try:
                assert 0.0 <= value_of(each) <= 1.0
            except NoScore as error:
                assert str(error)


@pytest.mark.parametrize(
    ("document", "name", "reason"),
    [
        ({"id": "a", "metric": "m", "value": 0.5, "reach": ["x", None]}, "rows", ""),
        ({**LANGSMITH, "score": 1, "feedback_config": {"categories": 5}}, "langsmith", ""),
        ({"runs": [{"id": UUID, "feedback_stats": {"k": {"avg": 0.5, "values": 3}}}]},
         "langsmith", ""),
        (log(attribute(VALUE, stringValue="good"), attribute(LABEL, stringValue="pass")),
         "otel", ""),
        ({"id": "a", "value": 3, "scale": [0, "inf"]}, "rows", "is no scale"),
        ({"id": "a", "value": 3, "scale": ["nan", 5]}, "rows", "is no scale"),
        ({"id": "a", "value": "3/" + "9" * 400}, "rows", "has two ends"),
        ({"id": "a", "value": "0/0"}, "rows", "no value"),
    ],
)  # fmt: skip
def test_odd_values_are_read_or_left_out(document: Any, name: str, reason: str) -> None:
    """None of a total of none is no share, and a scale without an end gives none."""
    if reason:
        assert reason in why(document, name)
    else:
        assert 0.0 <= value_of(one(document, name)) <= 1.0


def test_lines_may_hold_what_else_ends_lines_and_begin_with_none() -> None:
    lines = [json.dumps({"id": each, "value": 1, "comment": "so\u2028so\x85"}, ensure_ascii=False)
             for each in "ab"]  # fmt: skip
    found = read_scores("\n".join(["", "", *lines]).encode(), "rows")
    assert [each.names for each in found if isinstance(each, Score)] == [("a",), ("b",)]
    with pytest.raises(BadRequest, match="line 4: "):
        read_scores(b'\n\n{"id": "a", "value": 1}\nnope', "rows")
    (row,) = read_scores(b"\tid\tvalue\n0\ta\t1\n", "rows")
    assert isinstance(row, Score) and row.names == ("a",)


def test_a_name_that_is_a_whole_number_is_one_in_opentelemetry_too() -> None:
    said = log(attribute(VALUE, doubleValue=1), attribute("request_id", intValue="17"))
    assert one(said, "otel").names[0] == "17"


def test_one_score_has_so_many_names_and_no_more() -> None:
    """Each may be looked up in the store."""
    assert len(one({"names": [f"n{at}" for at in range(999)], "value": 1}, "rows").names) == 32


@pytest.mark.parametrize("said", [{"value": 3, "stringValue": "1", "dataType": "CATEGORICAL"},
                                  {"stringValue": "Ja", "dataType": "BOOLEAN"}])  # fmt: skip
def test_a_category_stays_a_word_on_its_way(said: dict[str, Any]) -> None:
    score = one({**LANGFUSE, **said}, "langfuse")
    again = read_row(json.loads(json.dumps(row_of(score))), "elsewhere")
    assert isinstance(again, Score) and again.key == score.key
    with pytest.raises(NoScore, match="is not known"):
        value_of(again)


def test_a_score_told_as_a_row_is_the_same_score() -> None:
    config = {"categories": [{"value": 0, "label": "poor"}, {"value": 10, "label": "good"}]}
    said = {**LANGSMITH, "score": 7, "feedback_config": config}
    score = one(said, "langsmith")
    again = read_row(json.loads(json.dumps(row_of(score))), "elsewhere")
    assert again == score
    assert again.key == score.key


def test_what_is_said_again_has_the_same_key_and_a_correction_another() -> None:
    first = one({**LANGFUSE, "value": 1}, "langfuse")
    assert one({**LANGFUSE, "value": 1}, "langfuse").key == first.key
    assert one({**LANGFUSE, "value": 0}, "langfuse").key != first.key
    later = {**LANGFUSE, "value": 1, "updatedAt": "2026-11-29T08:00Z"}
    assert one(later, "langfuse").key != first.key


def test_what_several_people_say_of_one_answer_is_several_words() -> None:
    said = {**LANGFUSE, "value": 1, "source": "ANNOTATION"}
    first, second = (one({**said, "authorUserId": name}, "langfuse") for name in ("ann", "bo"))
    assert first.metric == second.metric == "helpfulness"
    assert first.matter != second.matter
    assert "ann" not in first.matter
    by_app = {"run_id": UUID, "key": "c", "score": 1, "feedback_source": {"type": "app"}}
    assert one(by_app, "langsmith").matter == "c"


@pytest.mark.parametrize(
    ("text", "name", "source", "value"),
    [
        ("id,traceId,name,dataType,value,stringValue,source,authorUserId\n"
         f"s1,{TRACE},good,BOOLEAN,1,True,ANNOTATION,u1\n", "langfuse", "explicit", 1.0),
        ("ID,Trace ID,Name,Data Type,Value,String Value,Source\n"
         f"s1,{TRACE},good,CATEGORICAL,,incorrect,EVAL\n", "langfuse", "langfuse:good", 0.0),
        ("run_id,key,score,value,comment,feedback_source.type\n"
         f"{UUID},good,,correct,,app\n", "langsmith", "explicit", 1.0),
    ],
)  # fmt: skip
def test_exports_as_csv_in_the_spellings_of_their_tools(
    text: str, name: str, source: str, value: float
) -> None:
    (score,) = read_scores(text.encode(), name)
    assert isinstance(score, Score), score
    assert (score.source, value_of(score)) == (source, value)
    assert TRACE in score.names


def test_a_percentage_goes_to_a_hundred_unless_it_is_a_share() -> None:
    rows = [{"id": "a", "metric": "percentCorrect", "value": each} for each in (85, 1, 0.5)]
    assert [value_of(each) for each in read(rows, "rows")] == [0.85, 0.01, 0.005]
    assert value_of(one({"id": "a", "metric": "accuracy_pct", "value": 0.85}, "rows")) == 0.85
    with pytest.raises(NoScore, match="may be the worst"):
        value_of(one({"id": "a", "metric": "percent", "value": 1}, "rows"))
    with pytest.raises(NoScore, match="outside its scale"):
        value_of(one({"id": "a", "metric": "percent", "value": 140}, "rows"))
