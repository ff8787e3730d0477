"""Lists of prices at 80 columns: no name is cut, whatever its length."""

from hypothesis import given
from hypothesis import strategies as st

from windsock.cli.layout import Entry, age, lines, usd

names = st.text("abcdefghij/-.@:0123456789", min_size=1, max_size=120)
figures = st.lists(st.floats(1e-6, 9999).map(usd), min_size=2, max_size=2)
entries = st.lists(st.builds(Entry, names, figures, st.text("ab ,", max_size=200)), max_size=6)
HEAD = Entry("deployment", ("in $/M", "out $/M"))


@given(entries, st.integers(60, 200))
def test_every_name_and_figure_stands_whole_and_lines_fit(found, width) -> None:
    text = list(lines([HEAD, *found], width=width))
    for each in found:
        assert any(line == each.name or line.startswith(each.name) for line in text)
        assert any(set(each.figures) <= set(line.split()) for line in text)
    told = {each.name for each in found}
    words = {word for each in found for word in each.note.split()}
    for line in text:
        assert len(line) <= width or line in told or line.strip() in words


def test_a_name_that_leaves_no_room_stands_alone_before_its_figures() -> None:
    long = "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0@us-gov-west-1-and-more"
    other = long.replace("-and-more", "-or-less")
    rows = [HEAD, Entry(long, ("3", "15")), Entry(other, ("4", "20"))]
    text = list(lines(rows, width=80))
    assert text[1] == long and text[3] == other
    assert text[2].split() == ["3", "15"]
    assert text[0].index("in $/M") + 5 == text[2].index("3")


def test_a_note_is_on_the_line_where_there_is_room_for_all() -> None:
    rows = [Entry("a/m", ("1", "2"), "says list"), Entry("b/m", ("1", "2"), "x")]
    assert list(lines(rows, width=80)) == [
        "a/m        1        2  says list",
        "b/m        1        2  x",
    ]
    wide = [Entry("ab", ("1",)), Entry("客", ("2",))]
    assert list(lines(wide, width=80)) == ["ab        1", "客        2"]
    loud = [Entry("a\x1b[2J", ("1",), "b\x9b")]
    assert list(lines(loud, width=80)) == ["a?[2J        1  b?"]
    narrow = list(lines([*rows, Entry("c/m", ("1", "2"), "long " * 20)], width=80))
    assert narrow[1] == "  says list"


def test_no_price_is_written_with_an_exponent_or_as_zero() -> None:
    assert usd(0.000024) == "0.000024"
    assert usd(1e-9) == "0.000000001"
    assert usd(2.4999999999999996) == "2.5"
    assert usd(1234567.0) == "1234570"
    assert (usd(0.0), usd(None)) == ("0", "")


def test_an_age_is_in_its_largest_unit() -> None:
    assert [age(s) for s in (None, 0, 59, 60, 7200, 172800)] == [
        "", "0 s", "59 s", "1 min", "2 h", "2 d",
    ]  # fmt: skip
