"""What the ledger has is passed on to sinks, each at its own pace; nothing waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice, takewhile

from sqlalchemy import Engine

from windsock.config.store.sink_settings import SinkSettings
from windsock.errors import StoreError
from windsock.observability.background import Step
from windsock.observability.log import event_log
from windsock.store.keys import meta, set_meta
from windsock.store.queries import tail_with_positions
from windsock.store.sinks.clickhouse import ClickHouseSink
from windsock.store.sinks.parquet import ParquetSink
from windsock.store.sinks.sink import LedgerSink, SinkFailed, batch_of

SINKS: Mapping[str, Callable[[str], LedgerSink]] = {
    "parquet": ParquetSink,
    "clickhouse": ClickHouseSink,
}
"""By `kind`; a sink more is a class with `put` and a row here."""

MAX_ROWS = 5000
"""Of a batch."""


@dataclass(slots=True, kw_only=True)
class SinkFeeder:
    """One sink: reads on from where it was, as the store remembers.

    leads   of several replicas one feeds the sinks
    """

    name: str
    sink: LedgerSink
    engine: Engine
    leads: Callable[[], bool]
    _failed: str | None = field(default=None)

    async def check(self) -> None:
        """Pass on what has come since, until there is no more."""
        while self.leads():
            try:
                more = await asyncio.to_thread(self.feed)
            except (SinkFailed, StoreError) as error:
                self._note(str(error))
                return
            self._note(None)
            if not more:
                return

    def feed(self) -> bool:
        """One batch; False if there was none. It blocks, and raises SinkFailed or StoreError.

        Where a batch ends is kept before it is sent: sent again it is the same one, whatever has
        come to the ledger since, and whoever sends it.
        """
        after, last = self._span()
        rest = tail_with_positions(self.engine, after)
        if last is None:
            found = list(islice(rest, MAX_ROWS))
            if not found:
                return False
            last = found[-1][0]
            set_meta(self.engine, self._key, f"{after} {last}")
        else:
            found = list(takewhile(lambda each: each[0] <= last, rest))
        self.sink.put(batch_of(found, after + 1, last))
        set_meta(self.engine, self._key, str(last))
        return True

    def _span(self) -> tuple[int, int | None]:
        """Positions up to which all was passed on, and up to which the batch goes that may have
        been sent; None: there is none."""
        after, _, last = (meta(self.engine, self._key) or "0").partition(" ")
        return int(after), int(last) if last else None

    @property
    def _key(self) -> str:
        return f"sink {self.name}"

    def _note(self, error: str | None) -> None:
        if error is not None and error != self._failed:
            event_log().error("sink.failed", sink=self.name, error=error)
        elif error is None and self._failed is not None:
            event_log().info("sink.recovered", sink=self.name)
        self._failed = error


def feeders_of(
    declared: Mapping[str, SinkSettings], engine: Engine, leads: Callable[[], bool]
) -> dict[str, Step]:
    """A step for each sink that is declared; raises ConfigError."""
    return {
        f"sink {name}": SinkFeeder(
            name=name, sink=SINKS[each.kind](each.url), engine=engine, leads=leads
        ).check
        for name, each in declared.items()
    }
