"""An owner's prices say all that a feed can, take effect to the second, and are never held."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.builders import START
from windsock.app.catalog_parts import catalog_of
from windsock.app.feed_parts import contracts_of, own_quotes, rates_of
from windsock.config.file import parse
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter, Usage
from windsock.core.pricing.book import PriceBook
from windsock.core.pricing.facets.contract import in_dollars
from windsock.errors import ConfigError
from windsock.feeds.definition import load_feed
from windsock.feeds.quotes import quote_of, rows_at
from windsock.feeds.reader import read
from windsock.providers.presets import presets
from windsock.resources import folders

HOUR, DAY = 3600.0, 86_400.0
SHEET = load_feed(folders("pricefeeds", "feed.toml")["price-sheet"])
NAME = "acme/m"
BASE = '[providers.acme]\nbase_url = "https://acme.test/v1"\n'


def settings(text: str):
    return parse(BASE + text, {}, source="windsock.toml")


def book_of(text: str, now: float = START) -> PriceBook:
    stated = settings(text)
    book = PriceBook()
    for quote in own_quotes(stated, catalog_of(stated, presets()), now):
        book.absorb(quote, now)
    return book


def usd(book: PriceBook, at: float = START, **facts) -> tuple[Decimal, Decimal]:
    prices = book.prices(NAME, at, **facts)
    return prices[Meter.INPUT], prices[Meter.OUTPUT]


WHOLE = """
[deployments."acme/m".price]
input = 2.5
output = 15
cache_read = 0.25
web_search = 10000
tiers = [{ min_prompt_tokens = 272000, input = 5, output = 22.5 }]
windows = [{ start = "22:00", end = "06:00", days = [1, 2, 3, 4, 5], input = 1.25, output = 7.5 }]
service_tiers = { flex = { input = 1.25, output = 7.5 }, priority = { input = 5, output = 30 } }
"""


def test_the_configuration_says_sizes_hours_and_service_tiers() -> None:
    book = book_of(WHOLE)
    noon, night = 1_790_078_400.0, 1_790_114_400.0  # Tuesday 2026-09-22, 12:00 and 22:00 UTC
    book.absorb(own_quotes(settings(WHOLE), catalog_of(settings(WHOLE), presets()), noon)[0], noon)
    assert usd(book, noon) == (Decimal("2.5"), 15)
    assert usd(book, night) == (Decimal("1.25"), Decimal("7.5"))
    assert usd(book, noon, prompt_tokens=300_000) == (5, Decimal("22.5"))
    assert usd(book, noon, prompt_tokens=300_000, service_tier="flex")[0] == Decimal("2.5")
    assert book.cost_usd(NAME, Usage(web_searches=3), noon) == Decimal("0.03")
    assert book.held() == []


DATED = """
[deployments."acme/m"]
prices = [
  {{ input = 1, output = 4 }},
  {{ input = {usd}, output = {usd}, reason = "gift", valid_from = {at} }},
]
"""


@pytest.mark.parametrize("price", [0, 0.0001, 900, 50_000])
def test_a_price_of_later_takes_effect_to_the_second_however_far_it_moves(price) -> None:
    text = DATED.format(usd=price, at=START + HOUR)
    book = book_of(text)
    assert book.next_change_at([NAME], START) == START + HOUR
    assert usd(book, START + HOUR - 1) == (1, 4)
    assert usd(book, START + HOUR) == (Decimal(str(price)), Decimal(str(price)))
    assert book.held() == []
    again = own_quotes(settings(text), catalog_of(settings(text), presets()), START + DAY)
    assert [quote.valid_from for quote in again] == [START + HOUR]


def sheet(*lines: str, at: float) -> list[Quote]:
    head = "provider,model,input,output,valid_from,zero_reason"
    body = "\n".join((head, *lines)).encode()
    rows = rows_at(read(SHEET, body, seen_at=START).rows, at)
    return [quote_of(row, NAME, SHEET, at, False) for row in rows]


@pytest.mark.parametrize("price", ["0", "0.0001", "900", "50000"])
def test_the_owners_sheet_is_never_held_and_switches_to_the_second(price) -> None:
    book = PriceBook()
    later = datetime.fromtimestamp(START + HOUR, UTC).isoformat()
    lines = ("acme,m,1,4,,", f"acme,m,{price},{price},{later},")
    for at in (START, START + 30, START + HOUR + 30, START + HOUR + 60):
        for quote in sheet(*lines, at=at):
            book.absorb(quote, at)
    assert usd(book, START + HOUR - 1) == (1, 4)
    assert usd(book, START + HOUR) == (Decimal(price), Decimal(price))
    assert len(book.history(NAME, START, START + DAY)) == 2
    assert book.held() == []


def test_no_feed_moves_what_the_sheet_states_until_the_sheet_drops_it() -> None:
    book = PriceBook()
    listed = {Meter.INPUT: Decimal(2), Meter.OUTPUT: Decimal(8)}
    feed = {"deployment": NAME, "feed_model": "m", "usd_per_mtok": listed}
    book.absorb(Quote(feed="list", seen_at=START, trust=0.9, **feed), START)
    for quote in sheet("acme,m,1,4,,", at=START + 1):
        book.absorb(quote, START + 1)
    moved = {Meter.INPUT: Decimal(3), Meter.OUTPUT: Decimal(9)}
    for name, trust in (("list", 0.9), ("other", 0.9), ("third", 0.9)):
        tick = Quote(feed=name, seen_at=START + 2, trust=trust, **{**feed, "usd_per_mtok": moved})
        book.absorb(tick, START + 2)
    assert usd(book, START + 3) == (1, 4)


def test_a_discount_follows_the_feed_and_a_deployments_own_replaces_its_providers() -> None:
    text = (
        "discount = 0.15\n"
        'adjustments = [{ reason = "gateway_fee", share = 0.05, source = "contract 7" }]\n'
        '[deployments."acme/m"]\n[deployments."acme/n"]\ndiscount = 0.5\n'
    )
    stated = settings(text)
    contracts = contracts_of(stated, catalog_of(stated, presets()))
    assert [(a.reason, a.share) for a in contracts[NAME]] == [
        ("discount", Decimal("-0.15")),
        ("gateway_fee", Decimal("0.05")),
    ]
    assert contracts["acme/n"][0].share == Decimal("-0.5")
    book = PriceBook()
    book.adjust(contracts)
    prices = {Meter.INPUT: Decimal(2), Meter.OUTPUT: Decimal(8)}
    tick = Quote(deployment=NAME, feed="list", feed_model="m", usd_per_mtok=prices, seen_at=START)
    book.absorb(tick, START)
    assert usd(book) == (Decimal("1.785"), Decimal("7.14"))


def test_a_price_in_another_currency_is_taken_at_the_stated_rate() -> None:
    rate = "[currencies.EUR]\nusd = 1.25\nat = 2026-09-01\nsource = 'ECB'\n"
    price = '[deployments."acme/m".price]\ninput = 2\noutput = 8\ncurrency = "EUR"\n'
    assert usd(book_of(price + rate)) == (Decimal("2.5"), 10)
    assert book_of(price).prices(NAME, START) is None
    euro = sheet("acme,m,2,8,,", at=START)[0]
    assert in_dollars(euro, rates_of(settings(rate))["EUR"]) == euro


USD = "input = 1, output = 4"
NIGHT = 'start = "22:00", end = "06:00"'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("price = { input = 1 }", "output is missing"),
        ("price = { input = 0, output = 0 }", "needs a reason"),
        ('price = { input = 1, output = 4, windows = [{ start = "9", end = "10:00" }] }', "start"),
        ("price = { input = 1, output = 4, tiers = [{ input = 2 }] }", "min_prompt_tokens"),
        (
            f"price = {{ input = 1, output = 4, windows = [{{ {NIGHT}, days = [9] }}] }}",
            "9 is no day",
        ),
        (
            f'price = {{ input = 1, output = 4, windows = [{{ {NIGHT}, timezone = "Mars" }}] }}',
            "no such time zone",
        ),
        (
            'price = { input = 1, output = 4, windows = [{ start = "25:00", end = "10:00" }] }',
            "25:00",
        ),
        (
            "price = { input = 1, output = 4, valid_from = 2027-01-02, valid_until = 2027-01-01 }",
            "never hold",
        ),
        ("discount = 1.5", "discount"),
        ('adjustments = [{ reason = "x", share = -1 }]', "share"),
    ],
)
def test_what_cannot_be_a_price_is_an_error_that_names_the_key(text, words) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(f'[deployments."acme/m"]\n{text}\n')
    assert words in str(caught.value)


def test_an_embedding_model_needs_no_output_price() -> None:
    book = book_of('[deployments."acme/m"]\nprice = { input = 0.02, mode = "embedding" }\n')
    assert book.cost_usd(NAME, Usage(input_tokens=1_000_000), START) == Decimal("0.02")
