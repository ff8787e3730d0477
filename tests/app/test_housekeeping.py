"""A store that was away at the start is read whole, however often it goes away again."""

from pathlib import Path

import pytest

from tests.running import config_of
from windsock.app.background import housekeeping
from windsock.app.bootstrap import build
from windsock.config.file import parse
from windsock.errors import StoreError


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
