"""`make charts`: the chart as Helm renders it, against the schemas of Kubernetes.

Helm's own library renders (helm-python-sdk holds it); kubernetes-validate has the schemas of each
version and refuses fields that they do not know, as kubeconform does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

from windsock.config.file import parse

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "windsock"
KUBERNETES = ["1.27", "1.30", "1.33", "1.37"]
POSTGRES = {"database": {"existingSecret": "windsock-database"}}
MANY = {**POSTGRES, "replicas": 3, "secrets": ["providers"]}
SCALED = {
    **POSTGRES,
    "autoscaling": {"enabled": True, "max": 40},
    "serviceMonitor": {"enabled": True},
    "image": {"digest": "sha256:" + "a" * 64, "pullSecrets": ["registry"]},
    "podAnnotations": {"team": "ml"},
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "ml", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "serviceAccount": {"annotations": {"cloud/role": "windsock"}},
}
FORMS: dict[str, dict[str, Any]] = {
    "sqlite": {}, "postgresql": POSTGRES, "many": MANY, "scaled": SCALED,
    "unmigrated": {"database": {"existingSecret": "s", "migrate": False}},
    "own_volume": {"persistence": {"size": "1Gi", "storageClass": "fast"}},
}  # fmt: skip
OF_OTHERS = {"ServiceMonitor"}
"""Kinds of custom resources, whose schemas are not Kubernetes' own."""


def rendered(values: dict[str, Any], name: str = "windsock") -> Iterator[dict[str, Any]]:
    with helm_python.Chart.load(str(CHART)) as chart:
        chart.validate_schema(values)
        files = chart.render(values, name=name, namespace="llm")
    for path, text in files.items():
        if path.endswith(".yaml"):
            yield from filter(None, yaml.safe_load_all(text))


def of_kind(kind: str, values: dict[str, Any], name: str = "windsock") -> dict[str, Any]:
    (found,) = (each for each in rendered(values, name) if each["kind"] == kind)
    return found


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("form", FORMS)
def test_kubernetes_takes_every_document(form: str, version: str) -> None:
    documents = list(rendered(FORMS[form]))
    assert {"Deployment", "Service", "ServiceAccount", "ConfigMap"} <= {
        each["kind"] for each in documents
    }
    for each in documents:
        if each["kind"] not in OF_OTHERS:
            kubernetes_validate.validate(each, version, strict=True)


def test_helm_finds_nothing_to_mend() -> None:
    found = helm_python.lint(str(CHART))
    told = [each["error"] for each in found["messages"]]
    assert told == ["icon is recommended"], found


@pytest.mark.parametrize("form", FORMS)
def test_the_configuration_is_read_and_shared_where_pods_share_a_database(form: str) -> None:
    (text,) = (
        each["data"]["windsock.toml"]
        for each in rendered(FORMS[form])
        if each["kind"] == "ConfigMap" and not each["metadata"]["name"].endswith("-migrate")
    )
    is_shared = bool(FORMS[form].get("database", {}).get("existingSecret"))
    url = "postgresql://h/w" if is_shared else "sqlite:///w.db"
    settings = parse(text, {"WINDSOCK_STORE_URL": url}, source="windsock.toml")
    assert settings.replicas.enabled == is_shared


def test_one_replica_with_a_file_is_recreated_and_keeps_its_volume() -> None:
    deployment = of_kind("Deployment", {})
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    claim = of_kind("PersistentVolumeClaim", {})
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert not {"Job", "PodDisruptionBudget"} & {each["kind"] for each in rendered({})}


def test_many_replicas_are_migrated_first_spread_and_kept_from_going_all_at_once() -> None:
    job = of_kind("Job", MANY)
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["spec"]["template"]["spec"]["containers"][0]["args"][:2] == ["db", "upgrade"]
    assert of_kind("PodDisruptionBudget", MANY)["spec"]["maxUnavailable"] == 1
    deployment = of_kind("Deployment", MANY)["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert deployment["template"]["spec"]["topologySpreadConstraints"]
    service = of_kind("Service", MANY)["spec"]["selector"]
    assert service.items() <= deployment["template"]["metadata"]["labels"].items()
    migrating = job["spec"]["template"]["metadata"]["labels"]
    assert not service.items() <= migrating.items(), "no requests to the job"


def test_the_number_of_replicas_is_the_autoscalers_where_there_is_one() -> None:
    assert "replicas" not in of_kind("Deployment", SCALED)["spec"]
    scaler = of_kind("HorizontalPodAutoscaler", SCALED)["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 40)
    assert scaler["scaleTargetRef"]["name"] == of_kind("Deployment", SCALED)["metadata"]["name"]
    assert scaler["metrics"][0]["pods"]["target"]["averageValue"] == "64"


def test_a_pod_is_given_the_time_that_its_requests_have() -> None:
    values = {"drain": {"delaySeconds": 7, "seconds": 120}}
    pod = of_kind("Deployment", values)["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == 137
    config = of_kind("ConfigMap", values)["data"]["windsock.toml"]
    assert "drain_delay = 7\n" in config and "drain = 120\n" in config


def test_another_configuration_makes_new_pods() -> None:
    def checksum(values: dict[str, Any]) -> str:
        template = of_kind("Deployment", values)["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert checksum({}) == checksum({"replicas": 0}) != checksum({"config": "[learning]\nseed=1"})


def test_containers_may_nothing_that_they_do_not_need() -> None:
    for document in rendered(SCALED):
        if document["kind"] not in ("Deployment", "Job"):
            continue
        pod = document["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
        (container,) = pod["containers"]
        assert container["image"] == "windsock@sha256:" + "a" * 64
        may = container["securityContext"]
        assert may["readOnlyRootFilesystem"] and not may["allowPrivilegeEscalation"]
        assert may["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("values", [{"replicas": 2}, {"autoscaling": {"enabled": True}}])
def test_several_replicas_without_a_database_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(helm_python.HelmError, match="needs a PostgreSQL"):
        list(rendered(values))


@pytest.mark.parametrize(
    "values",
    [
        {"replica": 3},
        {"database": {"url": "postgresql://"}},
        {"drain": {"seconds": -1}},
        {"service": {"port": 0}},
        {"image": {"digest": "latest"}},
        {"autoscaling": {"concurrency": 0}},
    ],
)
def test_values_that_mean_nothing_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(helm_python.HelmError):
        list(rendered(values))


def test_names_do_not_meet_where_two_releases_stand_in_one_namespace() -> None:
    names = [{each["metadata"]["name"] for each in rendered(MANY, name)} for name in ("a", "b")]
    assert not names[0] & names[1]
