"""What a cap is for, what a call reserves, and that it is passed by one reservation at most."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import (
    CHEAP,
    FLAGSHIP,
    MID,
    START,
    answered,
    deployment,
    failed,
    request,
    router,
)
from windsock.core.model.calls import AttemptReason, CallKind
from windsock.core.model.events import EventKind
from windsock.core.model.requests import Preferences, background_key
from windsock.core.model.units import Usage
from windsock.core.routing.caps.account import Account, Raise
from windsock.core.routing.caps.book import CapBook, KeyHolder, hold
from windsock.core.routing.caps.cap import Cap, Charge
from windsock.core.routing.caps.periods import Period
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Cascade
from windsock.errors import CapReached

CALL = Charge("k1", "auto", "acme", "claude-sonnet-4-20250514")
DAY = 86_400.0


def cap(name: str = "c", usd: str = "1", **facts: object) -> Cap:
    return replace(Cap(name=name, usd=Decimal(usd)), **facts)  # type: ignore[arg-type]


def capped(*caps: Cap, **facts: object) -> Router:
    made = router(**facts)  # type: ignore[arg-type]
    made.caps.adopt(caps)
    return made


@pytest.mark.parametrize(
    ("narrowed", "is_meant"),
    [
        ({}, True),
        ({"keys": ("k1",)}, True),
        ({"keys": ("ci-*",)}, True),
        ({"keys": ("k2",)}, False),
        ({"routes": ("auto", "sql")}, True),
        ({"routes": ("s*",)}, False),
        ({"route_names": frozenset({"auto"})}, True),
        ({"route_names": frozenset({"*"})}, False),
        ({"providers": ("ac?e",)}, True),
        ({"providers": ("acm",)}, False),
        ({"models": ("claude-*",)}, True),
        ({"models": ("claude-sonnet-4",)}, True),
        ({"models": ("gpt-*",)}, False),
        ({"providers": ("acme",), "models": ("gpt-*",)}, False),
    ],
)
def test_a_cap_is_for_what_matches_all_that_it_names(
    narrowed: dict[str, object], is_meant: bool
) -> None:
    assert cap(**narrowed).covers(CALL, {"k1": "ci-main"}) is is_meant


@pytest.mark.parametrize(
    "model",
    [
        "claude-sonnet-4", "anthropic/claude-3.5-sonnet", "claude-sonnet-4-20250514",
        "us.anthropic.claude-sonnet-4-20250514-v1:0", "Claude-Sonnet-4@20250514",
        "publishers/anthropic/models/claude-sonnet-4", "anthropic/claude-sonnet-4:beta",
    ],
)  # fmt: skip
def test_a_family_is_met_wherever_it_is_served(model: str) -> None:
    call = CALL._replace(model=model)
    assert cap(models=("claude-*",)).covers(call, {})
    assert cap(each="model").account_of(call) == "claude sonnet"


def test_a_call_without_a_key_is_not_one_of_any_key() -> None:
    assert not cap(keys=("*",)).covers(CALL._replace(key_id=""), {})
    assert cap(each="key").account_of(CALL._replace(key_id="")) == ""


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 100), st.booleans()), min_size=1, max_size=80
    )
)
def test_no_order_of_calls_passes_a_cap_by_more_than_one_reservation(
    calls: list[tuple[int, int, bool]],
) -> None:
    """Each may cost so many cents, costs a part of them, and ends at once or later."""
    book, account = CapBook(), Account(cap=cap(usd="1"), of="")
    under_way: list[tuple[Decimal, Decimal]] = []
    most = Decimal(0)
    for cents, percent, is_quick in calls:
        usd = Decimal(cents) / 100
        if account.has_room(usd, START):
            hold([account], usd)
            under_way.append((usd, usd * percent / 100))
            most = max(most, usd)
        if is_quick and under_way:
            book.settle([account], *under_way.pop(0), START)
    for each in under_way:
        book.settle([account], *each, START)
    assert account.spent_usd <= 1 + most
    assert account.held_usd == 0


def test_side_by_side_calls_never_reserve_more_than_is_left() -> None:
    account = Account(cap=cap(usd="1"), of="")
    for _ in range(3):
        assert account.has_room(Decimal("0.3"), START)
        hold([account], Decimal("0.3"))
    assert not account.has_room(Decimal("0.3"), START)
    assert account.has_room(Decimal("0.1"), START)
    assert account.has_room(Decimal(0), START)


def test_what_is_free_is_let_through_when_all_is_spent() -> None:
    account = Account(cap=cap(usd="1"), of="", spent_usd=Decimal(2), ends_at=START + 1)
    assert account.has_room(Decimal(0), START)
    assert not account.has_room(Decimal("0.001"), START)


def test_a_new_period_begins_with_nothing_spent_and_what_is_under_way() -> None:
    account = Account(cap=cap(usd="1"), of="")
    account.spend(Decimal(1), START)
    hold([account], Decimal("0.4"))
    assert not account.has_room(Decimal("0.1"), START)
    assert account.has_room(Decimal("0.6"), START + DAY)
    assert not account.has_room(Decimal("0.61"), START + DAY)
    account.turn(START)
    assert account.spent_usd == 0


def test_a_raise_is_for_a_while_and_for_one_account_where_it_says_so() -> None:
    raises = [
        Raise(cap="c", usd=Decimal(2), until=START + 60),
        Raise(cap="c", usd=Decimal(5), until=START + 60, of="other"),
    ]
    account = Account(cap=cap(), of="mine", raises=raises)
    assert account.limit_usd(START) == 3
    assert account.limit_usd(START + 60) == 1


def test_each_part_of_a_cap_is_told_once_in_a_period() -> None:
    account = Account(cap=cap(period=Period.TOTAL), of="")
    told = []
    for _ in range(12):
        account.spend(Decimal("0.1"), START)
        told += [(event.kind, event.facts["share"]) for event in account.news(START)]
    assert told == [
        (EventKind.CAP_NEARED, 0.5), (EventKind.CAP_NEARED, 0.8), (EventKind.CAP_SPENT, 1.0),
    ]  # fmt: skip


def test_a_pace_that_will_break_the_cap_is_told_before_it_does() -> None:
    midnight = START // DAY * DAY
    account = Account(cap=cap(), of="")
    account.spend(Decimal("0.2"), midnight + 60)
    assert list(account.news(midnight + 60)) == []
    assert [e.kind for e in account.news(midnight + DAY / 10)] == [EventKind.CAP_OUTPACED]
    assert list(account.news(midnight + DAY / 8)) == []
    calm = Account(cap=cap(), of="")
    calm.spend(Decimal("0.2"), midnight + DAY / 4)
    assert list(calm.news(midnight + DAY / 4)) == []


def test_an_edit_of_the_dollars_keeps_what_is_spent_and_any_other_is_a_new_cap() -> None:
    book = CapBook()
    assert [each.name for each in book.adopt([cap()])] == ["c"]
    (account,) = book.accounts(CALL)
    account.spend(Decimal("0.5"), START)
    assert book.adopt([cap(usd="2")]) == []
    assert book.accounts(CALL) == (account,)
    assert account.limit_usd(START) == 2
    assert [each.name for each in book.adopt([cap(period=Period.WEEK)])] == ["c"]
    assert book.accounts(CALL)[0].spent_usd == 0
    assert book.adopt([]) == []
    assert book.is_idle
    assert book.accounts(CALL) == ()


def test_a_key_has_its_budget_beside_the_caps() -> None:
    book = CapBook()
    book.adopt([cap()])
    own = cap("keys.k1", keys=("k1",))
    book.adopt_keys({"k1": KeyHolder(name="ci", namespace="team", cap=own)})
    assert {each.cap.name for each in book.accounts(CALL)} == {"c", "keys.k1"}
    assert {each.cap.name: each.namespace for each in book.accounts(CALL)}["keys.k1"] == "team"
    assert {each.cap.name for each in book.accounts(CALL._replace(key_id="k2"))} == {"c"}


def test_a_call_reserves_its_prompt_and_an_answer_as_long_as_the_caller_bounds() -> None:
    made = capped(cap(usd="100"), prices={CHEAP: 1.0})
    asked = request(prompt_tokens=1000, max_output_tokens=500, choices=2)
    exchange = made.open(asked, START)
    attempt = exchange.next_attempt(START)
    assert attempt is not None
    (account,) = made.caps.all_accounts(START)
    assert account.held_usd == (Decimal(1501) + 4 * 1000) / 1_000_000
    exchange.report(answered(attempt), START)
    assert account.held_usd == 0
    assert account.spent_usd == (Decimal(500) + 4 * 200) / 1_000_000


def test_an_answer_that_nobody_bounds_is_as_long_as_answers_there_turn_out_to_be() -> None:
    made = capped(cap(usd="100"), prices={CHEAP: 1.0})
    held = []
    for _ in range(300):
        exchange = made.open(request(prompt_tokens=0), START)
        attempt = exchange.next_attempt(START)
        assert attempt is not None
        (account,) = made.caps.all_accounts(START)
        held.append(account.held_usd)
        exchange.report(answered(attempt, usage=Usage(output_tokens=1000)), START)
    assert held[0] > 4 * Decimal(4096) / 1_000_000
    assert held[-1] == pytest.approx(4 * Decimal(1000) / 1_000_000, rel=Decimal("0.01"))


def test_a_deployment_bounds_what_it_may_answer() -> None:
    place = deployment(CHEAP, max_output_tokens=100)
    made = capped(cap(usd="100"), prices={CHEAP: 1.0}, deployments=(place,))
    exchange = made.open(request(prompt_tokens=0, max_output_tokens=10**9), START)
    exchange.next_attempt(START)
    assert made.caps.all_accounts(START)[0].held_usd == (Decimal(1) + 400) / 1_000_000


def test_every_call_of_a_request_is_paid_retries_and_fallbacks_too() -> None:
    made = capped(cap(usd="100"))
    exchange = made.open(request(), START)
    spent = Decimal(0)
    for kind in (CallKind.EMPTY_ANSWER, CallKind.ANSWERED):
        attempt = exchange.next_attempt(START)
        assert attempt is not None
        result = answered(attempt, kind=kind)
        exchange.report(result, START)
        assert result.cost_usd is not None
        spent += result.cost_usd
    (account,) = made.caps.all_accounts(START)
    assert account.spent_usd == spent == exchange.calls.spent_usd()
    assert account.held_usd == 0


def test_nobody_is_asked_again_for_whom_there_is_no_money() -> None:
    """The first call is let through alone; what it cost leaves nothing for the second."""
    made = capped(cap(usd="0.0000001"))
    exchange = made.open(request(), START)
    attempt = exchange.next_attempt(START)
    assert attempt is not None
    exchange.report(answered(attempt, kind=CallKind.EMPTY_ANSWER), START)
    assert exchange.next_attempt(START) is None


@pytest.mark.parametrize(("usd", "calls"), [("100", 2), ("0.0000001", 1)])
def test_a_stronger_one_is_asked_only_if_there_is_money_for_it(usd: str, calls: int) -> None:
    made = capped(cap(usd=usd), cascade=Cascade(escalate_below=0.85, to=(FLAGSHIP,)))
    exchange = made.open(request(preferences=Preferences(order=(CHEAP,))), START)
    while (attempt := exchange.next_attempt(START)) is not None:
        exchange.report(answered(attempt, confidence=0.6), START)
    assert exchange.answer is not None
    assert len(exchange.calls.ended) == calls


def test_whom_a_spent_cap_keeps_from_being_asked_is_not_drawn() -> None:
    """So what is logged of the draw is exact; who is free is drawn all the same."""
    made = capped(cap(usd="0.0000001", providers=("acme",)))
    while made.caps.accounts(made.tabs.charge(None, "auto", CHEAP))[0].spent_usd == 0:
        exchange = made.open(request(), START)
        exchange.report(answered(exchange.next_attempt(START)), START)
    before = made.table("default", "auto", "default", START).weights
    for _ in range(20):
        exchange = made.open(request(), START)
        assert exchange.decision.deployment != CHEAP
        attempt = exchange.next_attempt(START)
        assert (attempt.reason, attempt.deployment) == (
            AttemptReason.FIRST, exchange.decision.deployment)  # fmt: skip
        left = dict(zip(exchange.table.deployments, exchange.table.weights, strict=True))
        assert left[CHEAP] == 0
        assert sum(left.values()) == pytest.approx(1)
        assert exchange.decision.propensity == left[attempt.deployment]
        assert "cap" in exchange.table.note
    assert made.table("default", "auto", "default", START).weights == before
    later = made.open(request(), START + DAY)
    assert "cap" not in later.table.note


def test_a_spent_provider_is_passed_over_and_all_spent_is_refused() -> None:
    limits = [cap(name, usd="0.0000001", providers=(name,)) for name in ("acme", "bolt", "core")]
    made = capped(*limits)
    served = []
    for _ in range(3):
        exchange = made.open(request(), START)
        attempt = exchange.next_attempt(START)
        assert attempt is not None
        served.append(attempt.deployment)
        exchange.report(answered(attempt), START)
    assert set(served) == {CHEAP, MID, FLAGSHIP}
    with pytest.raises(CapReached) as refused:
        made.open(request(), START)
    assert refused.value.is_spent
    assert refused.value.retry_after_s == pytest.approx(DAY - START % DAY)
    assert made.open(request(), START + DAY).next_attempt(START + DAY) is not None


@pytest.mark.parametrize("name", ["auto", CHEAP, "small"])
def test_another_name_of_the_same_deployment_goes_round_no_cap_of_its_route(name: str) -> None:
    made = capped(cap(usd="0.0000001", route_names=frozenset({"auto"})))
    for _ in range(2):
        try:
            exchange = made.open(request(model=name), START)
        except CapReached:
            return
        attempt = exchange.next_attempt(START)
        assert attempt is not None
        exchange.report(answered(attempt), START)
    pytest.fail("the second call was let through")


def test_money_gone_between_the_decision_and_the_call_is_told_as_a_refusal() -> None:
    made = capped(cap(usd="1"))
    exchange = made.open(request(), START)
    (account,) = made.caps.accounts(made.tabs.charge(None, "auto", exchange.decision.deployment))
    account.spend(Decimal(1), START)
    assert exchange.next_attempt(START) is None
    assert exchange.refusal is not None
    assert not exchange.is_full


def test_a_call_whose_cost_nobody_knows_costs_what_was_reserved() -> None:
    made = capped(cap(usd="100"), prices={CHEAP: 1.0})
    exchange = made.open(request(), START)
    attempt = exchange.next_attempt(START)
    assert attempt is not None
    (account,) = made.caps.all_accounts(START)
    reserved = account.held_usd
    made.book.from_state({"pages": {}, "redirects": {}})
    exchange.report(answered(attempt), START)
    assert exchange.calls.spent_usd() is None
    assert (account.spent_usd, account.held_usd) == (reserved, 0)


def test_a_failure_costs_nothing_and_gives_back_what_it_held() -> None:
    made = capped(cap(usd="100"))
    exchange = made.open(request(), START)
    while (attempt := exchange.next_attempt(START)) is not None:
        exchange.report(failed(attempt), START)
    (account,) = made.caps.all_accounts(START)
    assert (account.spent_usd, account.held_usd) == (0, 0)
    assert AttemptReason.FALLBACK in {each.attempt.reason for each in exchange.calls.ended}


def beside(usd: str = "1000", share: str | None = "0.01") -> Cap:
    key = background_key("judge", "auto")
    part = None if share is None else Decimal(share)
    return cap("routes.auto.judge", usd, keys=(key,), beside="auto", share=part)


BESIDE = Charge(background_key("judge", "auto"), "j", "bolt", "judge")


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 10_000)), max_size=60))
def test_what_is_asked_beside_a_route_never_costs_more_than_its_share(calls) -> None:
    book, earned = CapBook(), Decimal(0)
    book.adopt([beside()])
    (account,) = book.accounts(BESIDE)
    for is_callers, cents in calls:
        usd = Decimal(cents) / 100
        if is_callers:
            book.earn("auto", usd, START)
            earned += usd
        elif account.has_room(usd, START):
            hold([account], usd)
            book.settle([account], usd, usd, START)
        assert account.spent_usd + account.held_usd <= earned / 100


def test_only_what_windsock_asks_beside_that_route_counts() -> None:
    book = CapBook()
    book.adopt([beside()])
    assert book.accounts(CALL) == ()
    assert book.accounts(BESIDE._replace(key_id=background_key("judge", "auto*"))) == ()
    assert book.accounts(BESIDE._replace(key_id=background_key("shadow", "auto"))) == ()
    book.earn("sql", Decimal(100), START)
    assert book.accounts(BESIDE)[0].limit_usd(START) == 0


def test_the_first_question_waits_for_all_that_it_may_cost() -> None:
    book = CapBook()
    book.adopt([beside("1", None)])
    (account,) = book.accounts(BESIDE)
    assert not account.has_room(Decimal("1.01"), START) and account.has_room(Decimal(1), START)


def test_its_day_begins_with_nothing_earned_and_nothing_spent() -> None:
    book = CapBook()
    book.adopt([beside()])
    (account,) = book.accounts(BESIDE)
    book.earn("auto", Decimal(100), START)
    book.settle([account], Decimal(0), Decimal("0.5"), START)
    assert account.limit_usd(START) == 1 and account.spent_usd == Decimal("0.5")
    assert not account.has_room(Decimal("0.01"), START + DAY) and account.spent_usd == 0


def test_a_restart_knows_what_was_earned_and_an_edit_of_the_share_keeps_it() -> None:
    book = CapBook()
    book.adopt([beside()])
    book.restore_beside({"routes.auto.judge"}, "auto", Decimal(100), START)
    book.restore_beside({"routes.auto.judge"}, "auto", Decimal(60), START)
    book.restore_beside({"another"}, "auto", Decimal(900), START)
    book.restore({"routes.auto.judge"}, [(BESIDE, Decimal("0.25"))], START)
    assert book.adopt([beside("1000", "0.02")]) == []
    account = book.account("routes.auto.judge", START)
    assert account is not None and account.spent_usd == Decimal("0.25")
    assert account.limit_usd(START) == 2


def test_it_raises_no_alarm_and_leaves_the_draw_of_callers_alone() -> None:
    book = CapBook()
    book.adopt([beside("1", None)])
    (account,) = book.accounts(BESIDE)
    assert book.settle([account], Decimal(0), Decimal(5), START) == []
    assert account.is_spent(START) and not book.has_spent(START) and book.renewed(START) == []


def test_a_raise_comes_on_top_of_the_share() -> None:
    book = CapBook()
    book.adopt([beside()])
    book.earn("auto", Decimal(100), START)
    book.raise_for_now(Raise(cap="routes.auto.judge", usd=Decimal(5), until=START + 60), START)
    (account,) = book.accounts(BESIDE)
    assert account.limit_usd(START) == 6 and account.raised_usd(START) == 5


def test_of_what_is_asked_beside_a_route_each_of_several_processes_has_an_even_part() -> None:
    book = CapBook(is_shared=True, among=lambda: 4)
    book.adopt([beside("1", None)])
    (account,) = book.accounts(Charge(background_key("judge", "auto"), "auto", "acme", "m"))
    assert account.has_room(Decimal("0.25"), START)
    assert not account.has_room(Decimal("0.26"), START)
