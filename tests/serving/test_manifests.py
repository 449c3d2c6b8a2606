"""The files for containers: Kubernetes' own schemas accept the manifest, and all of them say what a
public server needs: no root, nothing writable but two folders, a health check, limits.
"""

from __future__ import annotations

import json
import re

import kubernetes_validate
import pytest
import yaml

from core.settings import PREFIX, SETTINGS
from deploy.serve import ROOT, arguments

DEPLOY = ROOT / "deploy"
IMAGE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSED = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
PARTS = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))
SERVICE = COMPOSED["services"]["glassformer"]


def part(kind: str) -> dict:
    return next(each for each in PARTS if each["kind"] == kind)


POD = part("Deployment")["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


@pytest.mark.parametrize("one", PARTS, ids=lambda one: one["kind"])
def test_the_schema_of_kubernetes_accepts_the_manifest(one):
    assert kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)


def test_the_schema_would_have_noticed_a_wrong_word():
    wrong = part("Service") | {"spec": {"ports": [{"port": "eighty"}], "selektor": {}}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_the_parts_of_the_manifest_find_each_other():
    labels = part("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert part("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert part("Service")["spec"]["selector"] == labels
    assert part("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert part("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == labels
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    asked = [
        port["port"] for rule in part("NetworkPolicy")["spec"]["ingress"] for port in rule["ports"]
    ]
    asked += [port["targetPort"] for port in part("Service")["spec"]["ports"]]
    asked += [CONTAINER[probe]["httpGet"]["port"] for probe in CONTAINER if probe.endswith("Probe")]
    assert set(asked) == set(ports) and ports["http"] == arguments().get_default("port")
    mounted = {mount["name"] for mount in CONTAINER["volumeMounts"]}
    assert mounted == {volume["name"] for volume in POD["volumes"]}


def test_what_is_said_to_the_program_is_what_it_knows():
    image = json.loads(re.search(r"^ENTRYPOINT (.+)$", IMAGE, re.M)[1])
    assert image[:3] == ["python", "-m", "deploy.serve"]
    for more in (SERVICE["command"], CONTAINER["args"]):
        given = arguments().parse_args([*image[3:], *more])
        assert given.address == "0.0.0.0" and given.processes >= 2
    environments = (SERVICE["environment"], {e["name"]: e["value"] for e in CONTAINER["env"]})
    for environment in environments:
        assert {name.removeprefix(PREFIX) for name in environment} <= set(SETTINGS)
        assert environment["GLASSFORMER_PUBLIC"] == "1"
        assert all(isinstance(value, str) for value in environment.values())


def test_each_process_has_room_for_its_memory():
    for given, said in (
        ("4g", SERVICE["mem_limit"]),
        ("4Gi", CONTAINER["resources"]["limits"]["memory"]),
    ):
        assert said == given
    assert 2 * int(SERVICE["environment"]["GLASSFORMER_MEMORY"]) < 4096


def test_nothing_runs_as_root_or_writes_beyond_two_folders():
    assert re.search(r"^USER 10001:10001$", IMAGE, re.M)
    assert POD["securityContext"]["runAsNonRoot"] and POD["securityContext"]["runAsUser"] == 10001
    security = CONTAINER["securityContext"]
    assert security["readOnlyRootFilesystem"] and SERVICE["read_only"]
    assert not security["allowPrivilegeEscalation"]
    assert "no-new-privileges:true" in SERVICE["security_opt"]
    assert security["capabilities"]["drop"] == SERVICE["cap_drop"] == ["ALL"]
    places = {mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert places == {*SERVICE["tmpfs"], *(each.split(":")[1] for each in SERVICE["volumes"])}
    assert places == {"/tmp", "/models"} and "GLASSFORMER_CACHE=/models" in IMAGE


def test_the_image_has_pinned_packages_and_a_health_check():
    assert "--require-hashes -r requirements.lock" in IMAGE and "HEALTHCHECK" in IMAGE
    assert "/healthz" in IMAGE and CONTAINER["readinessProbe"]["httpGet"]["path"] == "/healthz"
    left_out = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    needed = {
        "app.py",
        "core",
        "ui",
        "pages",
        "assets",
        "deploy",
        ".streamlit",
        "requirements.lock",
    }
    assert not needed & set(left_out) and all((ROOT / each).exists() for each in needed)


def test_the_service_listens_on_this_machine_alone_unless_it_is_told_otherwise():
    assert SERVICE["ports"] == ["127.0.0.1:8080:8080"]
    assert arguments().get_default("address") == "127.0.0.1"


def test_nothing_goes_out_of_a_pod():
    policy = part("NetworkPolicy")["spec"]
    assert policy["egress"] == [] and set(policy["policyTypes"]) == {"Ingress", "Egress"}
