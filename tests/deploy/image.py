"""The steps of deploy/Dockerfile without a container: each stage is an overlay over this machine's
root. Linux, as root; nothing of it is left in the machine's own files.

    python -m tests.deploy.image WORK build
    python -m tests.deploy.image WORK run [ARGUMENT ...]

`build` keeps the stages in the folder WORK. `run` starts the last stage as Docker does with
`--read-only`, the arguments in place of CMD; the volume is WORK/volume, /etc/windsock is WORK/etc.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def instructions(text: str) -> list[tuple[str, str]]:
    """(NAME, the rest of its line) of each; comments and ARG are left out."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return [(name, rest.strip()) for name, _, rest in pairs if name != "ARG"]


@dataclass(slots=True)
class Stage:
    """What the instructions since a FROM have set."""

    name: str
    environ: dict[str, str] = field(default_factory=lambda: {"PATH": PATH, "HOME": "/root"})
    folder: str = "/"
    user: str = "0:0"
    volumes: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)


def stages(text: str) -> list[tuple[Stage, list[tuple[str, str]]]]:
    """Each with its instructions."""
    made: list[tuple[Stage, list[tuple[str, str]]]] = []
    for name, rest in instructions(text):
        if name == "FROM":
            made.append((Stage(rest.partition(" AS ")[2] or "last"), []))
        else:
            made[-1][1].append((name, rest))
    return made


def told(stage: Stage, name: str, rest: str) -> None:
    """Take in an instruction that changes no file."""
    match name:
        case "ENV":
            stage.environ |= dict(each.split("=", 1) for each in rest.split())
        case "WORKDIR":
            stage.folder = rest
        case "USER":
            stage.user = rest
        case "VOLUME":
            stage.volumes.append(rest)
        case "ENTRYPOINT":
            stage.entrypoint = json.loads(rest)
        case "CMD":
            stage.command = json.loads(rest)
        case "HEALTHCHECK":
            stage.healthcheck = json.loads(rest.partition("CMD ")[2])


def mounted(work: Path, stage: Stage) -> Path:
    """The root of a stage, over this machine's."""
    parts = [work / stage.name / each for each in ("upper", "work", "root")]
    for part in parts:
        part.mkdir(parents=True, exist_ok=True)
    upper, below, root = parts
    where = f"lowerdir=/,upperdir={upper},workdir={below}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", where, root], check=True)
    for each in ("dev", "proc"):
        subprocess.run(["mount", "--rbind", f"/{each}", root / each], check=True)
    return root


def starting(root: Path, stage: Stage, command: list[str]) -> list[str]:
    """The command line of a command in a stage's root, with its environment, folder and user."""
    (root / stage.folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
    environ = [f"{name}={value}" for name, value in stage.environ.items()]
    return ["chroot", f"--userspec={stage.user}", str(root), "env", "-i",
            f"--chdir={stage.folder}", *environ, *command]  # fmt: skip


def copied(work: Path, root: Path, stage: Stage, rest: str) -> None:
    """COPY [--from=STAGE] WHAT ... WHERE."""
    *whats, where = rest.split()
    source = ROOT
    if whats[0].startswith("--from="):
        source = work / whats.pop(0).removeprefix("--from=") / "root"
    target = root / str(Path("/", stage.folder, where)).lstrip("/")
    for what in whats:
        found = source / what.lstrip("/")
        if found.is_dir():
            shutil.copytree(found, target, symlinks=True, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, target)


def build(work: Path) -> None:
    """Every stage; raises CalledProcessError where a step fails."""
    for stage, steps in stages(DOCKERFILE.read_text()):
        root = mounted(work, stage)
        for name, rest in steps:
            print(f"{stage.name}: {name} {rest[:100]}", flush=True)
            if name == "COPY":
                copied(work, root, stage, rest)
            elif name != "RUN":
                told(stage, name, rest)
            else:
                subprocess.run(starting(root, stage, ["sh", "-c", rest]), check=True)


def run(work: Path, arguments: list[str]) -> NoReturn:
    """The last stage with a read-only root, in place of this process.

    `--healthcheck` runs that, `--entrypoint PROGRAM ...` another program.
    """
    stage, steps = stages(DOCKERFILE.read_text())[-1]
    for name, rest in steps:
        told(stage, name, rest)
    root = mounted(work, stage)
    places = dict.fromkeys(stage.volumes, work / "volume")
    for place, here in {**places, "/etc/windsock": work / "etc", "/tmp": work / "tmp"}.items():
        here.mkdir(exist_ok=True)
        (root / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", here, root / place.lstrip("/")], check=True)
    shutil.chown(work / "volume", *map(int, stage.user.split(":")))
    (work / "tmp").chmod(0o1777)
    subprocess.run(["mount", "-o", "remount,ro,bind", root], check=True)
    stage.environ |= {
        k: v for k, v in os.environ.items() if k.startswith(("WINDSOCK_", "PGPASS", "OPENAI_"))
    }
    command = [*stage.entrypoint, *(arguments or stage.command)]
    if arguments[:1] == ["--healthcheck"]:
        command = stage.healthcheck
    elif arguments[:1] == ["--entrypoint"]:
        command = arguments[1:]
    os.execvp("chroot", starting(root, stage, command))


def main() -> None:
    """Anew, where mounts are seen by nobody else."""
    if "--apart" not in sys.argv:
        os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.orig_argv[1:], "--apart"])
    work, what, *arguments = (each for each in sys.argv[1:] if each != "--apart")
    os.chdir("/")
    if what == "build":
        build(Path(work))
    else:
        run(Path(work), arguments)


if __name__ == "__main__":
    main()
