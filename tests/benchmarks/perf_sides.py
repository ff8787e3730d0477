"""The gateways that are compared, each started the way its users start it, on one core.

windsock has everything on: a bandit over four deployments, keys, the ledger in a SQLite file,
explanations, metrics and one JSON log line a request. LiteLLM and Portkey come from their
registries into a cache outside the repository; nginx is the floor for any proxy.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from tests.benchmarks.perf_machine import (
    CACHE,
    PACKAGES,
    SOURCES,
    Missing,
    cores,
    ended,
    pinned,
    python,
    wait_for_port,
)
from tests.process import free_port
from windsock.cli.keys.key_book import KeyBook
from windsock.clock import SystemClock
from windsock.config.file import parse

CONFIG, PORT = "{config}", "{port}"
LITELLM = ("litellm[proxy]", "async-timeout")
"""On a Python older than 3.11.3, which may not be the one that installs, redis needs the second."""
PORTKEY = {
    "private": True,
    "dependencies": {"@portkey-ai/gateway": "*"},
    "overrides": {"@hono/node-server": "1.3.3"},
}
"""With later @hono/node-server Portkey answers every stream with 500."""

DEPLOYMENTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of request: plain, burst (a stream at once) or paced (5 ms between events)."""

    name: str
    size: int = 1024
    is_stream: bool = False

    @property
    def is_paced(self) -> bool:
        return self.name == "paced"


PLAIN = Kind(name="1 KB")
LARGE = Kind(name="32 KB", size=32 * 1024)
BURST = Kind(name="at once", is_stream=True)
PACED = Kind(name="paced", is_stream=True)


@dataclass(slots=True, kw_only=True)
class Gateway:
    """A running gateway. `path`, `headers` and `model` may depend on whether a stream is paced."""

    name: str
    version: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None
    path: Callable[[Kind], str] = lambda _: "/v1/chat/completions"
    headers: Callable[[Kind], dict[str, str]] = lambda _: {}
    model: Callable[[Kind], str] = lambda kind: "paced" if kind.is_paced else "auto"
    least_s: float = 0.0
    written: dict[str, Path] = field(default_factory=dict)

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def request(self, kind: Kind) -> Path:
        """A file with the whole request, head and body."""
        if kind.name not in self.written:
            path = self.folder / f"{self.name}-{kind.name.replace(' ', '-')}.http"
            path.write_bytes(self._bytes(kind))
            self.written[kind.name] = path
        return self.written[kind.name]

    def _bytes(self, kind: Kind) -> bytes:
        body: dict[str, object] = {"model": self.model(kind)}
        if kind.is_stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        text = "Some words to fill the prompt. " * (kind.size // 31)
        body["messages"] = [{"role": "user", "content": text[: kind.size - 160]}]
        raw = json.dumps(body, separators=(",", ":")).encode()
        head = {
            "host": "127.0.0.1",
            "content-type": "application/json",
            "content-length": str(len(raw)),
            **self.headers(kind),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        return f"POST {self.path(kind)} HTTP/1.1\r\n{lines}\r\n".encode() + raw


Start = Callable[[Path, int], "contextlib.AbstractContextManager[Gateway]"]


def _direct_path(kind: Kind) -> str:
    return "/paced/v1/chat/completions" if kind.is_paced else "/now/v1/chat/completions"


def alone(folder: Path, upstream: int) -> Gateway:
    """No gateway: the upstream itself."""
    return Gateway(
        name="upstream alone",
        version="",
        port=upstream,
        folder=folder,
        process=None,
        path=_direct_path,
    )


@contextmanager
def windsock(folder: Path, upstream: int, deployments: int = DEPLOYMENTS) -> Iterator[Gateway]:
    """`windsock serve` from this checkout."""
    words = ["-m", "windsock", "serve", "--config", CONFIG, "--port", PORT]
    with service("windsock", folder, upstream, words, deployments=deployments) as gateway:
        yield replace(gateway, version="this checkout")


@contextmanager
def service(
    name: str,
    folder: Path,
    upstream: int,
    words: list[str],
    *more_sources: Path,
    deployments: int = DEPLOYMENTS,
) -> Iterator[Gateway]:
    """A process that serves windsock; CONFIG and PORT among its words are filled in."""
    folder = folder / name.replace(" ", "-")
    folder.mkdir()
    config = folder / "windsock.toml"
    config.write_text(windsock_config(folder, upstream, deployments))
    settings = parse(config.read_text(), {}, source=str(config))
    key = KeyBook(settings, SystemClock()).create("bench", scopes=["infer"]).secret
    port = free_port()
    python3, environ = python(*more_sources, SOURCES, PACKAGES)
    filled = [{CONFIG: str(config), PORT: str(port)}.get(word, word) for word in words]
    process = pinned([python3, *filled], cores()[0], folder / "log", environ)
    with serving(name, process, port, folder, key) as gateway:
        yield gateway


@contextmanager
def serving(
    name: str, process: subprocess.Popen[bytes], port: int, folder: Path, key: str
) -> Iterator[Gateway]:
    """A windsock that was started, once it listens; it is ended afterwards."""
    try:
        wait_for_port(port, process, 60)
        yield Gateway(
            name=name,
            version="",
            port=port,
            folder=folder,
            process=process,
            headers=lambda _: {"authorization": f"Bearer {key}"},
        )
    finally:
        ended(process)


def windsock_config(folder: Path, upstream: int, deployments: int = DEPLOYMENTS) -> str:
    parts = [
        f'[store]\nurl = "sqlite:///{folder}/windsock.db"\n[feeds]\nenabled = []\n'
        '[server]\nkeys = "required"\nlog_format = "json"\n'
    ]
    for kind, route in (("now", "auto"), ("paced", "paced")):
        names = [f"{kind}{number}" for number in range(deployments)]
        for number, name in enumerate(names, 1):
            parts.append(
                f'[providers.{name}]\nbase_url = "http://127.0.0.1:{upstream}/{kind}/v1"\n'
                f'api_key = "none"\nprice = {{ input = {number}, output = {number * 4} }}\n'
            )
        listed = ", ".join(f'"{name}/m"' for name in names)
        parts.append(f"[routes.{route}]\ncandidates = [{listed}]\n")
    return "".join(parts)


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[Gateway]:
    """A plain reverse proxy with one worker."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        raise Missing("nginx is needed as the floor; install the package nginx-light")
    folder = folder / "nginx"
    folder.mkdir()
    port = free_port()
    conf = folder / "nginx.conf"
    conf.write_text(NGINX.format(folder=folder, port=port, upstream=upstream))
    command = [binary, "-c", conf, "-e", folder / "error.log"]
    version = _first_line([binary, "-v"]).rpartition("/")[2]
    with _passing("nginx", version, folder, port, command) as gateway:
        yield gateway


@contextmanager
def _passing(
    name: str,
    version: str,
    folder: Path,
    port: int,
    command: list[str | Path],
    environ: dict[str, str] | None = None,
) -> Iterator[Gateway]:
    """A proxy that passes everything to the upstream."""
    process = pinned(command, cores()[0], folder / "log", environ)
    try:
        wait_for_port(port, process, 10)
        yield Gateway(
            name=name,
            version=version,
            port=port,
            folder=folder,
            process=process,
            path=_direct_path,
        )
    finally:
        ended(process)


@contextmanager
def bare(folder: Path, upstream: int) -> Iterator[Gateway]:
    """A proxy in Python that does nothing but pass (`perf_bare`)."""
    folder = folder / "bare"
    folder.mkdir()
    port = free_port()
    python3, environ = python(Path(__file__).parents[2], PACKAGES)
    words: list[str | Path] = [
        python3,
        "-m",
        "tests.benchmarks.perf_bare",
        str(port),
        str(upstream),
    ]
    with _passing("Python that only passes", "", folder, port, words, environ) as gateway:
        yield gateway


NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_buffer_size 128k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream model {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


@contextmanager
def portkey(folder: Path, upstream: int) -> Iterator[Gateway]:
    """Portkey's open-source gateway."""
    home = _portkey_home()
    folder = folder / "portkey"
    folder.mkdir()
    port = free_port()
    words = ["node", home / "build" / "start-server.js", f"--port={port}", "--headless"]
    environ = {**os.environ, "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"}
    process = pinned(words, cores()[0], folder / "log", environ, cwd=home)
    try:
        wait_for_port(port, process, 30)
        yield Gateway(
            name="Portkey",
            version=json.loads((home / "package.json").read_text())["version"],
            port=port,
            folder=folder,
            process=process,
            headers=lambda kind: {
                "x-portkey-provider": "openai",
                "x-portkey-custom-host": f"http://127.0.0.1:{upstream}"
                + _direct_path(kind).removesuffix("/chat/completions"),
                "authorization": "Bearer none",
            },
        )
    finally:
        ended(process)


def _portkey_home() -> Path:
    root = CACHE / "portkey"
    home = root / "node_modules" / "@portkey-ai" / "gateway"
    if not (home / "build" / "start-server.js").exists():
        if shutil.which("npm") is None:
            raise Missing("node and npm are needed for Portkey; install the package npm")
        root.mkdir(parents=True, exist_ok=True)
        print("installing Portkey ...", file=sys.stderr)
        (root / "package.json").write_text(json.dumps(PORTKEY))
        _run(["npm", "install", "--prefix", str(root)])
    return home


@contextmanager
def litellm(folder: Path, upstream: int) -> Iterator[Gateway]:
    """LiteLLM's proxy with a master key, one worker. Its windows must last 25 s at 64 and above."""
    home = _litellm_home()
    folder = folder / "litellm"
    folder.mkdir()
    port = free_port()
    config = folder / "config.yaml"
    config.write_text(LITELLM_CONFIG.format(upstream=upstream))
    python3, environ = python(next(home.glob("lib/python3*/site-packages")))
    words = [python3, home / "bin" / "litellm", "--config", config, "--port", str(port)]
    words += ["--num_workers"]
    environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    process = pinned([*words, "1", "--telemetry", "False"], cores()[0], folder / "log", environ)
    try:
        wait_for_port(port, process, 120)
        _wait_ready(port)
        yield Gateway(
            name="LiteLLM",
            version=_litellm_version(home),
            port=port,
            folder=folder,
            process=process,
            headers=lambda _: {"authorization": "Bearer sk-bench"},
            least_s=25.0,
        )
    finally:
        ended(process)


LITELLM_CONFIG = """
model_list:
  - model_name: auto
    litellm_params:
      {{model: openai/m, api_base: "http://127.0.0.1:{upstream}/now/v1", api_key: none}}
  - model_name: paced
    litellm_params:
      {{model: openai/m, api_base: "http://127.0.0.1:{upstream}/paced/v1", api_key: none}}
general_settings: {{master_key: sk-bench}}
"""


def _litellm_home() -> Path:
    home = CACHE / "litellm"
    if not (home / "bin" / "litellm").exists():
        python = sys.executable
        print("installing LiteLLM ...", file=sys.stderr)
        _run([python, "-m", "venv", str(home)])
        _run([str(home / "bin" / "pip"), "install", "-q", *LITELLM])
    return home


def _litellm_version(home: Path) -> str:
    code = "from importlib.metadata import version; print(version('litellm'))"
    return _first_line([str(home / "bin" / "python"), "-c", code])


def _wait_ready(port: int) -> None:
    for _ in range(240):
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/health/liveliness", trust_env=False).is_success:
                return
        time.sleep(0.25)
    raise Missing("LiteLLM did not become ready within a minute")


def _run(words: list[str]) -> None:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"{' '.join(words[:3])} failed: {done.stderr.strip().splitlines()[-1]}")


def _first_line(words: list[str]) -> str:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().splitlines()[0]


SIDES: dict[str, Start] = {
    "nginx": nginx,
    "bare": bare,
    "windsock": windsock,
    "portkey": portkey,
    "litellm": litellm,
}


@contextmanager
def started(names: list[str], folder: Path, upstream: int) -> Iterator[list[Gateway]]:
    """The gateways of these names, and the upstream alone; what is missing is said and left out."""
    with ExitStack() as stack:
        running = [alone(folder, upstream)]
        for name in names:
            try:
                running.append(stack.enter_context(SIDES[name](folder, upstream)))
            except Missing as reason:
                print(f"{name} is left out: {reason}", file=sys.stderr)
        yield running
