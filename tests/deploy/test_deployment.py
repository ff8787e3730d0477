"""Dockerfile, compose.yaml and chart: they parse, and speak of the service as it is.

`make image` takes the steps of the Dockerfile, `make charts` renders with Helm's own library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy import image
from tests.running import Running, config_of, running
from windsock.config.file import parse
from windsock.config.serving.server_settings import ServerSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "windsock"
TEMPLATES = "\n".join(each.read_text() for each in sorted((CHART / "templates").iterdir()))
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
PORT = str(ServerSettings().port)
LOOKED_AT = re.compile(r"path: (/\w+)|'GET', '(/\w+)'")


def last_stage() -> image.Stage:
    stage, steps = image.stages(image.DOCKERFILE.read_text())[-1]
    for name, rest in steps:
        image.told(stage, name, rest)
    return stage


async def test_what_probes_and_scalers_ask_for_is_what_the_service_answers(tmp_path: Path) -> None:
    text = TEMPLATES + image.DOCKERFILE.read_text()
    paths = {one or other for one, other in LOOKED_AT.findall(text)}
    assert paths == {"/healthz", "/readyz", "/metrics"}
    (metric,) = re.findall(r"metric: \{ name: (\w+) \}", TEMPLATES)
    async with running(config_of(("acme", "http://127.0.0.1:9/v1", 1.0)), tmp_path) as it:
        await _answers(it, paths, metric)


async def _answers(it: Running, paths: set[str], metric: str) -> None:
    for path in paths:
        assert (await it.http.get(path)).status_code == 200, path
    assert f"\n{metric} 0.0\n" in (await it.http.get("/metrics")).text


def test_all_speak_of_the_port_that_the_service_has() -> None:
    stage = last_stage()
    exposed = [rest for name, rest in image.instructions(image.DOCKERFILE.read_text())
               if name == "EXPOSE"]  # fmt: skip
    assert exposed == [PORT] and stage.command[-1] == PORT and PORT in stage.healthcheck[-1]
    assert COMPOSE["services"]["windsock"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert f"containerPort: {PORT}" in TEMPLATES and f'--port, "{PORT}"' in TEMPLATES


def test_it_runs_as_nobody_in_particular_and_may_write_to_its_volume_only() -> None:
    stage = last_stage()
    assert (stage.user, stage.folder, stage.volumes) == (
        "10001:10001",
        *[stage.folder],
        [stage.folder],
    )
    assert f"mountPath: {stage.folder} " in TEMPLATES
    for each in ("runAsUser: 10001", "readOnlyRootFilesystem: true", "drop: [ALL]"):
        assert each in TEMPLATES
    service = COMPOSE["services"]["windsock"]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]


def test_what_is_installed_is_locked_with_hashes() -> None:
    installs = re.findall(r"pip[^&\n]* install ([^&\n]+)", image.DOCKERFILE.read_text())
    assert installs
    for each in installs:
        assert "--require-hashes" in each or "--no-deps dist/" in each
    serve, container = (
        set(re.findall(r"^([\w.-]+)==(\S+)", (DEPLOY / "locks" / name).read_text(), re.M))
        for name in ("serve.txt", "container.txt")
    )
    assert serve < container, "the same versions, and the extras"
    assert {"psycopg", "redis", "botocore"} <= {name for name, _ in container}


@pytest.mark.parametrize(
    "file", ["compose.yaml", "windsock.toml", "Dockerfile", "helm/windsock/values.yaml"]
)
def test_no_secret_stands_in_it(file: str) -> None:
    text = (DEPLOY / file).read_text()
    assert not re.search(r"sk-\w{8}|://[^/\s:@]+:[^@\s$]+@", text)
    for value in re.findall(
        r"(?im)^\s*[\w-]*(?:password|token|api_key)[\w-]*\s*[:=]\s*(\S.*)$", text
    ):
        assert value.strip('"').startswith("${"), value
    for value in re.findall(r"\$\{\w*PASSWORD(.*?)\}", text):
        assert value.startswith(":?"), "no default"


def test_compose_waits_for_the_schema_and_lets_requests_end() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"database", "migrate", "windsock"}
    after = services["windsock"]["depends_on"]["migrate"]["condition"]
    assert after == "service_completed_successfully"
    server = configured({}).server
    assert (
        services["windsock"]["stop_grace_period"] == f"{server.drain_delay + server.drain + 10:g}s"
    )


def configured(environ: dict[str, str]) -> Any:
    url = {"WINDSOCK_STORE_URL": "postgresql://windsock@database/windsock"}
    return parse((DEPLOY / "windsock.toml").read_text(), {**url, **environ}, source="windsock.toml")


def test_the_configurations_are_read_and_let_nobody_in_without_a_key() -> None:
    assert configured({}).server.keys == "required"
    text = re.sub(r"\{\{ \.Values\.([\w.]+) \}\}", lambda m: str(value(m[1])), VALUES["config"])
    text = re.sub(r"(?m)^\{\{-.*\}\}$", "", text)
    settings = parse(text, {"WINDSOCK_STORE_URL": "postgresql://h/w"}, source="values.yaml")
    assert settings.server.keys == "required"
    assert settings.replicas.enabled, "where there is a database"
    assert (settings.server.drain_delay, settings.server.drain) == (5, 30)


def value(path: str) -> Any:
    found: Any = VALUES
    for part in path.split("."):
        found = found[part]
    return found


def leaves(values: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, each in values.items():
        if isinstance(each, dict) and each and name not in ("requests", "limits"):
            yield from leaves(each, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def test_every_value_is_explained_checked_and_used() -> None:
    lines = (CHART / "values.yaml").read_text().splitlines()
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    for path in leaves(VALUES):
        *above, name = path.split(".")
        if above[:1] == ["resources"]:
            above, name = [], "resources"
        indent = "  " * len(above)
        begin = lines.index(f"{above[0]}:") if above else 0
        at = next(i for i in range(begin, len(lines)) if lines[i].startswith(f"{indent}{name}:"))
        assert lines[at - 1].startswith(f"{indent}# -- "), path
        known = schema
        for part in (*above, name):
            known = known["properties"][part]
        assert re.search(rf"\.Values\.{'.'.join((*above, name))}\b", TEMPLATES), path


def test_the_chart_is_of_the_version_that_the_package_has() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version is not None and chart["appVersion"] == version[1]
