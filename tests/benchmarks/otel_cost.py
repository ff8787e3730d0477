"""What OpenTelemetry costs a request: off, counting alone (nothing sampled), and with all spans.

Three services in one process answer the same requests in turn, round by round; what is compared is
the processor's time of a request, client and provider included. The collector is another process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.observability import log
from windsock.observability.telemetry import current

ROUNDS, REQUESTS, AT_A_TIME = 12, 150, 8
COLLECTOR = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Sink(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
server = HTTPServer(("127.0.0.1", 0), Sink)
print(server.server_port, flush=True)
server.serve_forever()
"""
ASK = {"model": "auto", "messages": [{"role": "user", "content": "hello " * 20}]}


async def spent_us(it: Running) -> float:
    """Microseconds of processor time of one request."""
    begun, left = time.process_time(), iter(range(REQUESTS))

    async def client() -> None:
        for _ in left:
            (await it.http.post("/v1/chat/completions", json=ASK)).raise_for_status()

    await asyncio.gather(*(client() for _ in range(AT_A_TIME)))
    return (time.process_time() - begun) / REQUESTS * 1e6


def look_ns() -> float:
    """What is left of it where it is off: two looks at a context variable."""
    begun, count = time.perf_counter_ns(), 200_000
    for _ in range(count):
        current.get()
        current.get()
    return (time.perf_counter_ns() - begun) / count


async def main() -> None:
    log.configure(level="error")
    sink = subprocess.Popen([sys.executable, "-c", COLLECTOR], stdout=subprocess.PIPE, text=True)
    assert sink.stdout is not None
    address = f"http://127.0.0.1:{sink.stdout.readline().strip()}"
    on = {"OTEL_EXPORTER_OTLP_ENDPOINT": address}
    sides = {"off": {}, "counted": {**on, "OTEL_TRACES_SAMPLER": "always_off"}, "all spans": on}
    try:
        async with (
            upstream(lambda _: Answer(completion())) as model,
            contextlib.AsyncExitStack() as open_,
        ):
            services = {}
            for name, environ in sides.items():
                folder = Path(open_.enter_context(tempfile.TemporaryDirectory()))
                os.environ.update(environ)
                text = config_of(("acme", model.url, 1.0))
                services[name] = await open_.enter_async_context(running(text, folder, **environ))
                for each in environ:
                    del os.environ[each]
            found: dict[str, list[float]] = {name: [] for name in services}
            for number in range(ROUNDS + 1):
                for name, it in services.items():
                    spent = await spent_us(it)
                    if number:
                        found[name].append(spent)
    finally:
        sink.terminate()
        sink.wait()
    off = median(found["off"])
    for name, all_us in found.items():
        beside = median(us - base for us, base in zip(all_us, found["off"], strict=True))
        more = f"{beside:+6.0f} us ({beside / off:+.1%})"
        print(f"{name:<10} {median(all_us):7.0f} us a request, {more}")
    print(f"off        two looks at a context variable are {look_ns():.0f} ns")


if __name__ == "__main__":
    asyncio.run(main())
