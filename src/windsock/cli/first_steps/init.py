"""`windsock init`: three questions, and a windsock.toml that answers them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from windsock.app.catalog_parts import catalog_of
from windsock.cli.first_steps.starter_file import PURPOSES, Purpose, Start, starter_file
from windsock.config.file import parse
from windsock.errors import ConfigError
from windsock.providers.presets import Preset, presets

Ask = Callable[[str, str], str]
"""(question, answer if nothing is typed) -> answer."""


def init(
    to: Path,
    environ: Mapping[str, str],
    *,
    ask: Ask | None,
    tell: Callable[[str], None],
    use: Sequence[str] = (),
    purpose: str | None = None,
    budget: str | None = None,
    force: bool = False,
) -> Path:
    """Ask what was not said, write the file, and return its path; raises ConfigError.

    ask     None: nobody is there to answer, the usual answers are taken
    """
    if to.exists() and not force:
        raise ConfigError(f"{to} is there already; name another file with --to, or add --force")
    found = with_keys(environ)
    if not found:
        names = ", ".join(sorted(p.key for p in presets().values() if p.key and p.models))
        raise ConfigError(
            f"no provider's key is set; export one of {names}, or try 'windsock demo' without any"
        )
    tell("Keys found: " + ", ".join(f"{preset.key} ({preset.id})" for preset in found))
    start = Start(
        providers=_used(found, use, ask),
        purpose=_purpose(purpose, ask, tell),
        usd_per_day=_budget(budget, ask),
    )
    text = starter_file(start)
    catalog_of(parse(text, environ, source=str(to)), presets())
    to.write_text(text, encoding="utf-8")
    return to


def with_keys(environ: Mapping[str, str]) -> list[Preset]:
    """Providers with models of their own whose key is set."""
    return [
        preset
        for preset in presets().values()
        if preset.key and environ.get(preset.key) and preset.models and not preset.is_explicit
    ]


def _used(found: Sequence[Preset], use: Iterable[str], ask: Ask | None) -> list[Preset]:
    known = {preset.id: preset for preset in found}
    wanted = list(use)
    if not wanted and ask is not None:
        usual = " ".join(known)
        wanted = ask("1. Which of them to use?", usual).replace(",", " ").split()
    for name in wanted:
        if name not in known:
            raise ConfigError(
                f"{name!r} is none of the providers whose key is set: {', '.join(known)}"
            )
    return [known[name] for name in wanted or known]


def _purpose(stated: str | None, ask: Ask | None, tell: Callable[[str], None]) -> Purpose:
    usual = next(iter(PURPOSES))
    if stated is None and ask is not None:
        for name, each in PURPOSES.items():
            tell(f"   {name:<12} {each.words}")
        stated = ask("2. What for?", usual)
    name = (stated or usual).strip()
    if name not in PURPOSES:
        raise ConfigError(f"{name!r} is no purpose; there are {', '.join(PURPOSES)}")
    return PURPOSES[name]


def _budget(stated: str | None, ask: Ask | None) -> Decimal | None:
    if stated is None and ask is not None:
        stated = ask("3. Most dollars a day? none: no cap", "none")
    text = (stated or "none").strip().lstrip("$")
    if text == "none":
        return None
    try:
        usd = Decimal(text)
    except InvalidOperation:
        usd = Decimal(0)
    if not usd.is_finite() or usd <= 0:
        raise ConfigError(f"{text!r} is no sum in dollars above 0; write one such as 20, or none")
    return usd
