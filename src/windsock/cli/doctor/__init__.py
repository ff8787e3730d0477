"""`windsock doctor`: what stands well, what does not, and the mend."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path

from windsock.cli.doctor.diagnosis import Diagnosis
from windsock.cli.doctor.judges import diagnose_judges
from windsock.cli.doctor.machine import diagnose_cache, diagnose_port, diagnose_room
from windsock.cli.doctor.prices import diagnose_prices
from windsock.cli.doctor.reached import diagnose_reached
from windsock.cli.doctor.stored import (
    diagnose_calls,
    diagnose_door,
    diagnose_floors,
    diagnose_store,
)
from windsock.cli.prices.stored import scratch_service
from windsock.config.file import load, unset_variables, unset_words
from windsock.config.settings import Settings
from windsock.errors import ConfigError

__all__ = ["Diagnosis", "examine", "examine_file"]

STORE = frozenset({"store"})
"""The table without whose variables nothing can be said."""


def examine_file(config: Path | None, environ: Mapping[str, str]) -> list[Diagnosis]:
    """`examine` of a windsock.toml; a variable that it names and nobody has set is told first."""
    unset = unset_variables(config, environ)
    missing = [
        Diagnosis(subject="configuration", ok=False, text=unset_words(place, name))
        for place, name in unset.items()
    ]
    without = {place.split(".")[1] for place in unset if place.startswith("providers.")}
    return missing + examine(load(config, environ, needs=STORE), environ, without=without)


def examine(
    settings: Settings, environ: Mapping[str, str], *, without: Collection[str] = ()
) -> list[Diagnosis]:
    """Configuration, store, machine, keys, feeds, prices, calls and floors, in the order to mend.

    Nothing is written to the store: prices are judged in a scratch one.
    without     providers that are not asked, since what they need is not there
    """
    try:
        with scratch_service(settings, environ) as service:
            names = len(service.router.catalog.deployments)
            return [
                Diagnosis(subject="configuration", ok=True, text=f"{names} deployments"),
                diagnose_store(settings),
                *diagnose_room(settings),
                diagnose_port(settings),
                *diagnose_cache(settings),
                *diagnose_door(settings),
                *asyncio.run(diagnose_reached(service, environ, without)),
                *diagnose_prices(service),
                *diagnose_judges(service),
                *diagnose_calls(settings, service.clock.now()),
                *diagnose_floors(settings, environ),
            ]
    except ConfigError as error:
        return [Diagnosis(subject="configuration", ok=False, text=str(error))]
