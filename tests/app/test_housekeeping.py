"""A store that was away at the start is read whole, however often it goes away again; and keys are
read again where one has changed."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.running import config_of
from windsock.app import core_parts
from windsock.app.background import housekeeping
from windsock.app.bootstrap import build
from windsock.app.service import Service
from windsock.app.state_recovery import NewRouter
from windsock.config.file import parse
from windsock.core.evidence.warm_start import PastResult
from windsock.errors import StoreError
from windsock.service import auth
from windsock.service.auth import AccessDenied, digest_of, new_key
from windsock.store.keys import VirtualKey, add_key, revoke_key


def served(tmp_path: Path, more: str = "") -> Service:
    said = config_of(("acme", "http://127.0.0.1:9", 1.0)) + more
    said += f'[store]\nurl = "sqlite:///{tmp_path}/windsock.db"\n[feeds]\nenabled = []\n'
    return build(parse(said, {}, source="windsock.toml"), {})


def with_key(service: Service) -> str:
    secret, public, digest = new_key()
    key = VirtualKey(id=public, name="n", sha256=digest, namespace="default", scopes=("infer",),
                     created_at=1.0, budget_usd=Decimal(5), budget_period="total")  # fmt: skip
    add_key(service.engine, key)
    return secret


async def test_a_store_that_goes_away_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "RESTORE_AGAIN_S", 0.01)
    text = config_of(("acme", "http://127.0.0.1:9", 1.0))
    text += f'[store]\nurl = "sqlite:///{tmp_path}/windsock.db"\n[feeds]\nenabled = []\n'
    service = build(parse(text, {}, source="windsock.toml"), {})
    keeper, read = service.housekeeping, []

    def restore() -> None:
        read.append(keeper.is_restored)
        if len(read) < 3:
            raise StoreError("away again")

    keeper.restore, keeper.is_restored = restore, False
    await keeper.recover()
    assert (read, keeper.is_restored) == ([False] * 3, True)
    await service.stop()


async def test_a_lesson_outlives_a_store_that_goes_away_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = served(tmp_path)
    lessons = service.router.lessons
    result = PastResult(task="chat", deployment="acme/m", success=0.25, count=40)
    number = lessons.add("default", "auto", [result], strength=30, now=1.0)

    def away(new_router: NewRouter, *_: object, **__: object) -> None:
        new_router({})
        raise StoreError("away again")

    with monkeypatch.context() as during:
        during.setattr(core_parts, "restored", away)
        with pytest.raises(StoreError):
            service.housekeeping.restore()
    service.housekeeping.restore()
    assert lessons.held().keys() == {number}
    await service.stop()


async def test_keys_that_are_many_are_read_again_where_one_was_changed_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "MANY_KEYS", 1)
    service = served(tmp_path)
    keeper, secret, adopted = service.housekeeping, with_key(service), []
    replace_keys = service.access.replace_keys
    monkeypatch.setattr(service.access, "replace_keys",
                        lambda *given: adopted.append(replace_keys(*given)))  # fmt: skip
    for _ in range(3):
        await keeper.read_keys()
    assert len(adopted) == 1
    assert service.access.admit(digest_of(secret), "infer", 2.0).rpm is None
    with service.engine.begin() as connection:
        connection.execute(text("UPDATE virtual_key SET budget_usd = '7', scopes = 'read'"))
    await keeper.read_keys()
    with pytest.raises(AccessDenied, match="lacks the scope"):
        service.access.admit(digest_of(secret), "infer", 2.0)
    assert [cap.usd for cap in service.router.caps.caps()] == [Decimal(7)]
    await service.stop()


async def test_what_was_spent_of_a_new_cap_is_read_where_no_key_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "MANY_KEYS", 1)
    service = served(tmp_path)
    with_key(service)
    keeper = service.housekeeping
    await keeper.read_keys()
    other = served(tmp_path, '[caps.all]\nusd = 9\nperiod = "day"\n')
    keeper.caps.adopt(other.settings)
    assert not keeper.caps.is_read("all")
    await keeper.read_keys()
    assert keeper.caps.is_read("all")
    await other.stop()
    await service.stop()


async def test_of_two_looks_for_keys_at_once_the_later_has_the_say(tmp_path: Path) -> None:
    service = served(tmp_path)
    keeper, secret = service.housekeeping, with_key(service)
    await keeper.read_keys()
    first = asyncio.create_task(keeper.read_keys())
    await asyncio.sleep(0)
    revoke_key(service.engine, secret[len(auth.PREFIX) :][: auth.PUBLIC_CHARS], 2.0)
    await asyncio.gather(first, keeper.read_keys())
    with pytest.raises(AccessDenied, match="revoked"):
        service.access.admit(digest_of(secret), "infer", 3.0)
    await service.stop()
