"""Price sheets as people write them: what can mean one thing only is read, the rest is told."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import START
from windsock.core.model.units import Meter
from windsock.errors import FeedError
from windsock.feeds.definition import load_feed
from windsock.feeds.reader import Reading, read
from windsock.resources import folders

SHEET = load_feed(folders("pricefeeds", "feed.toml")["price-sheet"])
CASES = json.loads((Path(__file__).parent / "price_sheets.json").read_text(encoding="utf-8"))
"""What each shows, the sheet (and its encoding, if another than UTF-8), and what is right of it:
provider/model=input/output and cached input, the currency; null where nothing is a price. Rows that
`right` does not name are told."""

HEAD = "provider,model,input,output\n"


def read_as(text: str, encoding: str = "utf-8") -> Reading:
    return read(SHEET, text.encode(encoding), seen_at=START)


def said(reading: Reading) -> str:
    """As in `CASES`."""
    rows = []
    for row in reading.rows:
        meters = (Meter.INPUT, Meter.OUTPUT, Meter.CACHE_READ)
        prices = [row.usd_per_mtok.get(meter) for meter in meters]
        text = "/".join(f"{usd:f}" for usd in prices if usd is not None)
        rows.append(f"{row.provider}/{row.model}={text}")
    return ";".join(rows) + "".join({f" {row.currency}" for row in reading.rows} - {" USD"})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["shows"])
def test_a_sheet_is_read_as_a_person_means_it_or_told(case) -> None:
    reading = read_as(case["sheet"], case.get("encoding", "utf-8"))
    if case["right"] is not None:
        assert said(reading) == case["right"]
    else:  # what the guard refuses with its reason is told as well
        prices = [usd for row in reading.rows for usd in row.usd_per_mtok.values()]
        assert all(usd < 0 for usd in prices)
        assert reading.skipped or prices


@pytest.mark.parametrize("head", ["Tier", "Service tier", "pricing_type"])
def test_rows_of_a_model_by_service_tier_are_its_service_tiers(head: str) -> None:
    text = f"Provider,Model,{head},Input,Output\no,g-1,Standard,2.5,10\no,g-1,Batch,1.25,5\n"
    reading = read_as(text + "o,g-1,Priority,4.25,17\n")
    (row,) = reading.rows
    assert (row.usd_per_mtok[Meter.INPUT], reading.skipped) == (Decimal("2.5"), ())
    assert {tier: p[Meter.OUTPUT] for tier, p in row.service_tiers.items()} == {
        "batch": Decimal(5), "priority": Decimal(17),
    }  # fmt: skip


@pytest.mark.parametrize(
    "small, large, is_strict",
    [("<=200K", ">200K", True), ("0-200k", "200k+", True), ("up to 200k", "from 200k", False)],
)
def test_rows_of_a_model_by_prompt_size_are_its_sizes(
    small: str, large: str, is_strict: bool
) -> None:
    head = "Provider,Model,Context,Tier,Input,Output\n"
    rows = f"g,p-1,{small},,1.25,10\ng,p-1,{large},,2.5,15\ng,p-1,{large},batch,1.25,7.5\n"
    (row,) = read_as(head + rows).rows
    assert row.usd_per_mtok[Meter.INPUT] == Decimal("1.25")
    found = [(t.min_prompt_tokens, t.is_strict, t.service_tier) for t in row.tiers]
    assert found == [(200_000, is_strict, None), (200_000, is_strict, "batch")]


@pytest.mark.parametrize(
    "head, peak, off_peak",
    [
        ("Period", "Peak", "Off-peak (16:30-00:30 UTC)"),
        ("Hours (UTC)", "00:30-16:30", "16:30 to 00:30"),
    ],
)
def test_rows_of_a_model_by_hours_are_its_windows(head: str, peak: str, off_peak: str) -> None:
    rows = f"d,c-1,{peak},0.27,1.10\nd,c-1,{off_peak},0.135,0.55\n"
    (row,) = read_as(f"Provider,Model,{head},Input,Output\n{rows}").rows
    (window,) = row.windows
    assert row.usd_per_mtok[Meter.INPUT] == Decimal("0.27")
    assert (window.start_minute, window.end_minute, window.timezone) == (990, 30, "UTC")
    assert window.usd_per_mtok[Meter.OUTPUT] == Decimal("0.55")


@pytest.mark.parametrize(
    "head, one, other",
    [("Region", "Global", "EU"), ("Period", "Peak", "Off-peak"), ("Hours", "Peak", "16:30-00:30")],
)
def test_rows_of_a_model_that_differ_otherwise_stay_and_are_told(
    head: str, one: str, other: str
) -> None:
    rows = f"o,g-1,{one},2.5,10\no,g-1,{other},2.75,11\n"
    reading = read_as(f"Provider,Model,{head},Input,Output\n{rows}")
    assert len(reading.rows) == 2
    assert [reason for _, reason in reading.skipped] == [
        f"unreadable: rows of one model differ in {head.lower()}: the dearest counts"
    ]


def test_columns_of_sizes_and_batches_are_tiers() -> None:
    text = (
        "Provider,Model,Input,Output,Input (>200k),Output (>200k),Batch input,Batch output\n"
        "google,g,1.25,10,2.50,15,0.625,5\n"
    )
    (row,) = read_as(text).rows
    (tier,) = row.tiers
    assert (tier.min_prompt_tokens, tier.is_strict) == (200_000, True)
    assert tier.usd_per_mtok == {Meter.INPUT: Decimal("2.5"), Meter.OUTPUT: 15}
    assert row.service_tiers == {"batch": {Meter.INPUT: Decimal("0.625"), Meter.OUTPUT: 5}}


def test_writes_for_an_hour_and_fees_that_stand_alone_are_read() -> None:
    text = (
        "| Provider | Model | Base Input Tokens | 5m Cache Writes | 1h Cache Writes "
        "| Output Tokens | Price per request | Price per image "
        "| Requests | Cost per 1K requests |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n"
        "| a | m | $5 / MTok | $6.25 / MTok | $10 / MTok | $25 / MTok | 0.005 | $0.04 | 500 | 7 |\n"
    )
    (row,) = read_as(text).rows
    assert row.usd_per_mtok == {
        Meter.INPUT: 5,
        Meter.OUTPUT: 25,
        Meter.CACHE_WRITE: Decimal("6.25"),
        Meter.CACHE_WRITE_1H: 10,
        Meter.REQUEST: 5000,
        Meter.IMAGE: 40_000,
    }


def test_cells_of_a_page_that_span_stand_in_each_place() -> None:
    text = (
        "<table><tr><th>Provider</th><th>Model</th><th>Input</th><th>Output</th></tr>"
        "<tr><td rowspan='2'>a</td><td>m</td><td colspan='2'>$3</td></tr>"
        "<tr><td>n<br>x</td><td>1</td><td>2</td></tr>"
        "<tr><td>b</td><td>o</td><td>1</td><td>2<table><tr><td>9</td></tr></table></td></tr>"
        "<tr><td>b</td><td>cut</td><td>1</td><td>2"
    )
    reading = read_as(text)
    assert said(reading) == "a/m=3/3;a/n x=1/2"
    assert [name for name, _ in reading.skipped] == ["b/o"]


@pytest.mark.parametrize(
    "heading", ["Input（原价）", "未缓存 input", "Input précédent", "ввод input"]
)
def test_a_heading_with_a_word_of_another_script_is_not_read(heading: str) -> None:
    reading = read_as(f"provider,model,input (¥),{heading},output\na,m,1,9,2\n")
    assert said(reading) == "a/m=1/2 CNY"


def test_a_column_of_money_that_is_not_read_is_told() -> None:
    text = (
        "provider,model,input,output,Cost per 1K requests,Rate limit,Pricing type,Old price,"
        "PTU price\n"
        "a,m,1,2,$5,500,PAYG,3,\n"
    )
    reading = read_as(text)
    assert said(reading) == "a/m=1/2"
    assert [name for name, _ in reading.skipped] == [
        "column/Cost per 1K requests",
        "column/Old price",
    ]


def test_what_a_page_leaves_open_ends_nothing_else() -> None:
    head = "<table><tr><th>Provider<th>Model<th>Input<th>Output</tr>"
    row = "<tr><td colspan=0>a<td>m<td>1<td>2</tr>"
    assert said(read_as(f"{head}<!-- <tr><td>x --><script>'<td>9'</script>{row}")) == "a/m=1/2"
    assert said(read_as(f"{head}{row.replace('<td>2', '<td>2<style><td>7</style>')}")) == "a/m=1/2"
    assert said(read_as(f"{head}{row}<!-- {row}")) == "a/m=1/2"
    assert said(read_as(f"{head}{row}{'<a ' * 20_000}")) == "a/m=1/2"


def test_why_a_cell_is_no_price_is_told() -> None:
    (told,) = read_as(HEAD + "openai,gpt-4o,$2.50 / image,10\n").skipped
    assert told == (
        "openai/gpt-4o",
        "unreadable: '$2.50 / image' is per something else than tokens",
    )
    (told,) = read_as(HEAD + "openai,gpt-4o,2,50,10,00\n").skipped
    assert told[1] == "unreadable: the line has more cells than the table has columns"


def test_a_date_from_which_a_price_holds_is_kept() -> None:
    (row,) = read_as("Provider,Model,Input,Output,Effective date\na,m,1,2,2027-01-01\n").rows
    assert row.valid_from == 1_798_761_600.0


def test_a_table_under_names_of_its_own_is_read_by_its_own_mapping() -> None:
    program = 'rows(.[]; {provider: "a", model: .art}; {input: .rein, output: .raus, image: .bild})'
    own = SHEET.model_copy(update={"quotes": program})
    (row,) = read(own, b"Art,Rein,Raus,Bild\nm,1,2,0.5\n", seen_at=START).rows
    assert row.usd_per_mtok == {Meter.INPUT: 1, Meter.OUTPUT: 2, Meter.IMAGE: 500_000}
    with pytest.raises(FeedError):
        read(SHEET, b"Art,Rein,Raus,Bild\nm,1,2,0.5\n", seen_at=START)


UNITS = {
    1: ("", "($/1M)", "per million tokens"),
    1000: ("($/1K)", "per 1K tokens"),
    10**6: ("per token",),
}
WORDS = (("Input", "Output"), ("Prompt price", "Completion price"), ("inputPrice", "outputPrice"))


@given(
    data=st.data(),
    between=st.sampled_from(",;\t|"),
    mark=st.sampled_from(".,"),
    money=st.sampled_from(["{}", "${}", "{} USD", "{} €"]),
    usd=st.lists(st.decimals("0.01", "150", places=4), min_size=1, max_size=4),
)
def test_no_way_of_writing_a_price_is_misread(data, between, mark, money, usd) -> None:
    times = data.draw(st.sampled_from(list(UNITS)))
    unit, words = data.draw(st.sampled_from(UNITS[times])), data.draw(st.sampled_from(WORDS))
    sheet = io.StringIO()
    table = csv.writer(sheet, delimiter=between)
    table.writerow(["Provider", "Model", *(f"{word} {unit}".strip() for word in words)])
    for i, price in enumerate(usd):
        cells = (f"{price * by / times:f}".replace(".", mark) for by in (1, 4))
        table.writerow(["acme", f"m{i}", *(money.format(cell) for cell in cells)])
    reading = read_as(sheet.getvalue())
    for row in reading.rows:
        price = usd[int(row.model[1:])]
        assert row.usd_per_mtok == {Meter.INPUT: price, Meter.OUTPUT: 4 * price}
        assert row.currency == ("EUR" if "€" in money else "USD")
    assert len(reading.rows) + len(reading.skipped) == len(usd)
