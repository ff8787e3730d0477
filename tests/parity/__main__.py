"""Every real client, directly at a provider and through windsock: is what it gives the same?

`make parity`, or `python -m tests.parity --help`. Exit code 1 where something differs unmeant.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import shutil
import sys
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from tests.parity.agents import result_of
from tests.parity.known import reason
from tests.parity.provider.said import KEY
from tests.parity.provider.server import Provider, provider
from tests.parity.rows import MODELS, ROWS, Row
from tests.running import running
from windsock.service.auth import new_key
from windsock.store.keys import VirtualKey, add_key

HERE = Path(__file__).parent
HOME = HERE.parent.parent / ".parity"
PAGE = HERE.parent.parent / "docs" / "clients.md"
BEGIN, END = "<!-- begin parity -->", "<!-- end parity -->"
TIMEOUT_S = 300
BEHIND = {
    "chat": ("", "v1"),
    "responses": ("openai", "v1"),
    "messages": ("anthropic", "v1"),
    "gemini": ("google-native", "v1beta"),
}
"""What stands behind windsock: a preset that speaks it, and the base path. "" is nobody known."""

GLOBS = ("gpt-5*", "claude-*")
"""Names that agents ask for of their own accord."""

VECTORS = ("text-embedding-3-small", "text-embedding-ada-002")

FAULTS = {"wrong_key", "unknown_model", "limited", "limited_streamed", "too_long",
          "too_long_streamed", "bad_field", "length_parsed", "refusal_raised"}  # fmt: skip
"""Cases whose answer is an exception."""


def config(url: str, behind: str) -> str:
    """Every model of every family; the limited ones have a provider of their own each."""
    parts = ['[server]\nkeys = "required"\n']
    preset, root = BEHIND[behind]
    for family, names in MODELS.items():
        for number, model in enumerate(names):
            provider_name = f"{family}{number}"
            parts.append(
                f'[providers.{provider_name}]\nbase_url = "{url}/{root}"\napi_key = "{KEY}"\n'
                + (f'preset = "{preset}"\n' if preset else "")
                + "price = { input = 1, output = 4 }\n"
                + f'[routes."{model}"]\ncandidates = ["{provider_name}/{model}"]\n'
            )
    parts.append(
        f'[providers.vectors]\nbase_url = "{url}/v1"\napi_key = "{KEY}"\n'
        "price = { input = 1, output = 0 }\n"
    )
    parts += [f'[routes."{glob}"]\ncandidates = ["openai0/any-model"]\n' for glob in GLOBS]
    parts += [f'[routes."{name}"]\ncandidates = ["vectors/{name}"]\n' for name in VECTORS]
    return "".join(parts)


@asynccontextmanager
async def windsock(url: str, behind: str, scope: str = "infer") -> Any:
    """(URL, key) of windsock in front of the provider."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(config(url, behind), Path(folder)) as it:
            key, public, digest = new_key()
            record = VirtualKey(
                id=public, name="n", sha256=digest, namespace="default", scopes=(scope,),
                created_at=1.0,
            )  # fmt: skip
            add_key(it.service.engine, record)
            await it.service.housekeeping.read_keys()
            yield it.url, key


def command(row: Row) -> list[str]:
    driver = str(HERE / "drivers" / row.driver)
    if row.driver.endswith(".java"):
        return ["java", driver]
    if row.driver.endswith(".mjs"):
        return ["node", str(HOME / row.environment / row.driver)]
    return [str(HOME / row.environment / "bin" / "python"), driver]


async def told_by(row: Row, url: str, key: str, options: Any) -> dict[str, Any]:
    """What a client gave, by case."""
    if row.driver == "agent":
        return {"task": await result_of(row.name, url, key, words=options.words)}
    if row.driver.endswith(".mjs"):
        for name in ("harness.mjs", row.driver):
            shutil.copy(HERE / "drivers" / name, HOME / row.environment / name)
    model, limited = MODELS[row.family]
    environ = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "PARITY_URL": url, "PARITY_KEY": key, "PARITY_MODEL": model, "PARITY_LIMITED": limited,
        "PARITY_WAY": row.way, "PARITY_SHARED": str(HERE / "cases.json"), "NO_PROXY": "127.0.0.1",
        "PARITY_WORDS": "1" if options.words else "", "PARITY_CASES": options.cases,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True", "HAYSTACK_TELEMETRY_ENABLED": "False",
        "OPENAI_API_KEY": key,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command(row), env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    except TimeoutError:
        process.kill()
        return {"driver": f"no end within {TIMEOUT_S} s"}
    lines = [line for line in out.decode().splitlines() if line.startswith("PARITY ")]
    if not lines:
        return {"driver": err.decode()[-1500:]}
    found = json.loads(lines[-1].removeprefix("PARITY "))
    return found if isinstance(found, dict) else {"driver": found}


def differences(one: Any, other: Any) -> str:
    """The fields in which two results differ."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return f"{one!r} / {other!r}"
    return "; ".join(
        f"{name}: {one.get(name)!r} / {other.get(name)!r}"
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    )


def bare(result: Any) -> Any:
    if isinstance(result, dict):
        return {name: value for name, value in result.items() if name != "words"}
    return result


def is_fault(result: Any) -> bool:
    return isinstance(result, dict) and "error" in result


@dataclass(frozen=True)
class Compared:
    """A client in front, a format behind: what was not the same, and what of it is meant."""

    row: Row
    behind: str
    cases: int
    differs: dict[str, str]

    @property
    def meant(self) -> dict[str, str]:
        """The reason of each difference that has one."""
        named = {case: reason(self.row, self.behind, case) for case in self.differs}
        return {case: why for case, why in named.items() if why}

    def told(self) -> str:
        """A line, and one for each difference."""
        same = self.cases - len(self.differs)
        lines = [f"{self.row.name:27} {self.behind:9} same {same:2} of {self.cases}"]
        for case, how in self.differs.items():
            lines.append(f"    {case}: {self.meant.get(case) or how}")
        return "\n".join(lines)


def compare(row: Row, behind: str, direct: Any, through: Any) -> Compared:
    """behind "directly": is each answer what the case asks for at all?"""
    if behind == "directly":
        differs = {
            case: repr(it) for case, it in direct.items() if is_fault(it) != (case in FAULTS)
        }
    else:
        differs = {
            case: differences(direct.get(case), through.get(case))
            for case in {**direct, **through}
            if bare(direct.get(case)) != bare(through.get(case))
        }
    return Compared(row, behind, len(direct), differs)


async def of_row(row: Row, model: Provider, options: Any) -> list[Compared]:
    """A client, directly and with each format behind windsock."""
    direct = await told_by(row, model.url, KEY, options)
    if options.show:
        print(json.dumps(direct, indent=1, ensure_ascii=False))
    made = [compare(row, "directly", direct, direct)]
    for behind in options.behind.split() or BEHIND:
        async with windsock(model.url, behind) as (url, key):
            through = await told_by(row, url, key, options)
        made.append(compare(row, behind, direct, through))
    print("\n".join(each.told() for each in made), flush=True)
    return made


def table(made: list[Compared]) -> str:
    """A row for each client: cases that were the same, and what of the rest is meant."""
    head = f"| client | cases | {' | '.join(BEHIND)} | meant differences |"
    lines = [head, "| --- " * (len(BEHIND) + 3) + "|"]
    for row in dict.fromkeys(each.row for each in made):
        mine = [each for each in made if each.row == row]
        same = [str(each.cases - len(each.differs)) for each in mine if each.behind in BEHIND]
        meant = dict.fromkeys(why for each in mine for why in each.meant.values())
        facts = [row.name, str(mine[0].cases), *same, "; ".join(meant)]
        lines.append(f"| {' | '.join(facts)} |")
    return "\n".join(lines)


def write(made: list[Compared]) -> None:
    """The table, into the documentation."""
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n\n{table(made)}\n\n{END}{tail}", encoding="utf-8")


def asked() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a word in the names of clients")
    parser.add_argument("--cases", default="", help="of them, as a list with blanks")
    parser.add_argument("--behind", default="", help=f"of {', '.join(BEHIND)}")
    parser.add_argument("--words", action="store_true", help="messages of exceptions")
    parser.add_argument("--write", action="store_true", help="the table of docs/clients.md")
    parser.add_argument("--show", action="store_true", help="what a client gives directly")
    return parser.parse_args()


async def main() -> int:
    options, turns = asked(), asyncio.Semaphore(2)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    rows = [row for row in ROWS if options.only.lower() in row.name.lower()]
    async with provider() as model:

        async def in_turn(row: Row) -> list[Compared]:
            async with turns:
                return await of_row(row, model, options)

        made = [each for row in await asyncio.gather(*map(in_turn, rows)) for each in row]
    if options.write:
        write(made)
    bad = sum(len(each.differs) - len(each.meant) for each in made)
    print(f"{len(rows)} clients, {sum(each.cases for each in made)} cases, {bad} unexplained")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
