"""Virtual keys and named values."""

from dataclasses import replace
from decimal import Decimal

from sqlalchemy import Engine, text, update

from windsock.store import queries
from windsock.store.keys import VirtualKey, rotate_key, stamp_of_keys
from windsock.store.tables import KeyRow

KEY = VirtualKey(
    id="abcdef012345",
    name="ci",
    sha256="9f" * 32,
    namespace="team",
    scopes=("infer", "feedback"),
    created_at=10.0,
    expires_at=20.5,
    budget_usd=Decimal("12.50"),
    budget_period="day",
    rpm=600,
    models=("auto", "acme/small"),
    tpm=90_000,
    continues="000000abcdef",
    is_private=True,
)


def test_a_key_comes_back_as_it_was_made(engine: Engine) -> None:
    plain = VirtualKey(
        id="k2", name="", sha256="00", namespace="default", scopes=(), created_at=5.0
    )
    queries.add_key(engine, KEY)
    queries.add_key(engine, plain)
    assert queries.keys(engine) == [plain, KEY]


def test_a_key_is_revoked_once(engine: Engine) -> None:
    queries.add_key(engine, KEY)
    assert queries.revoke_key(engine, KEY.id, 15.0)
    assert not queries.revoke_key(engine, KEY.id, 16.0)
    assert not queries.revoke_key(engine, "other", 16.0)
    assert queries.keys(engine) == [replace(KEY, revoked_at=15.0)]


def test_a_key_in_anothers_place_is_added_as_the_other_gets_its_end(engine: Engine) -> None:
    new = replace(KEY, id="fedcba543210", sha256="aa" * 32, created_at=12.0, continues=KEY.id)
    queries.add_key(engine, KEY)
    rotate_key(engine, replace(KEY, expires_at=15.0), new)
    assert queries.keys(engine) == [replace(KEY, expires_at=15.0), new]


def test_a_key_is_active_until_it_ends_or_is_ended() -> None:
    states = [KEY.state(at) for at in (20.4, 20.5)]
    assert states == ["active", "expired"]
    assert replace(KEY, revoked_at=15.0).state(30.0) == "revoked"


def test_an_id_that_looks_like_sql_is_only_an_id(engine: Engine) -> None:
    odd = "x' OR pg_sleep(8)--"
    queries.add_key(engine, replace(KEY, id=odd))
    assert not queries.revoke_key(engine, "' OR '1'='1", 16.0)
    assert queries.decision(engine, odd) is None
    assert queries.keys(engine)[0].id == odd


def test_of_a_secret_only_the_hash_has_a_column(engine: Engine) -> None:
    with engine.connect() as connection:
        columns = connection.execute(text("SELECT * FROM virtual_key")).keys()
    assert "sha256" in columns
    assert not {"secret", "key", "token"} & set(columns)


def test_a_named_value_is_the_last_one_set(engine: Engine) -> None:
    assert queries.meta(engine, "seed") is None
    queries.set_meta(engine, "seed", "1")
    queries.set_meta(engine, "seed", "2")
    assert queries.meta(engine, "seed") == "2"


def test_the_stamp_of_keys_is_another_one_whatever_is_changed_by_hand(engine: Engine) -> None:
    other = replace(KEY, id="fedcba543210", sha256="aa" * 32, name="ic", namespace="meat", rpm=700,
                    budget_usd=Decimal("21.50"), expires_at=21.5)  # fmt: skip
    assert stamp_of_keys(engine)[0] == 0
    for each in (KEY, other):
        queries.add_key(engine, each)
    seen = [stamp_of_keys(engine)]
    assert stamp_of_keys(engine) == seen[0]
    table = KeyRow.__table__  # type: ignore[attr-defined]
    changes: list[dict[str, object]] = [
        {"name": "cj"}, {"sha256": "9e" * 32}, {"namespace": "maet"}, {"scopes": "infer"},
        {"created_at": 10.5}, {"expires_at": None}, {"revoked_at": 15.0}, {"budget_usd": "13.50"},
        {"budget_period": "week"}, {"rpm": 601}, {"models": ""}, {"tpm": None},
        {"continues": "000000abcdee"}, {"is_private": False}, {"is_private": None},
        {"id": "1" * 12},
    ]  # fmt: skip
    for change in changes:
        with engine.begin() as connection:
            connection.execute(update(table).where(table.c.id == KEY.id).values(change))
        seen.append(stamp_of_keys(engine))
    assert {name for change in changes for name in change} == set(table.c.keys())
    assert len(set(seen)) == len(changes) + 1


def test_the_stamp_sees_two_keys_that_change_places(engine: Engine) -> None:
    for each in (KEY, replace(KEY, id="fedcba543210", rpm=700)):
        queries.add_key(engine, each)
    before = stamp_of_keys(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE virtual_key SET rpm = 1300 - rpm"))
    assert stamp_of_keys(engine) != before
