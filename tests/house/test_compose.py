"""docker-compose.yml and Dockerfile: nobody is root, nothing can be written but what must be, no secret stands in them.

That Compose can read the file at all is `make check`'s, which holds it against the Compose specification.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

ROOT: Final = Path(__file__).parents[2]
FILE: Final = ROOT / "docker-compose.yml"
COMPOSE: Final[dict[str, Any]] = YAML(typ="safe").load(FILE.read_text("utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text("utf-8")
IGNORED: Final = (ROOT / ".dockerignore").read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(name: str) -> None:
    """Not root, no capability, no way to more rights, a read-only root, and memory for what must be written."""
    service = SERVICES[name]
    assert str(service["user"]).split(":")[0] not in ("", "0", "root")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"]
    assert not {"privileged", "cap_add", "pid", "network_mode"} & service.keys()
    assert re.fullmatch(r"[a-z]+:[0-9a-z.-]*[0-9a-z]", service["image"]), "a version, of no named registry"
    assert not service["image"].endswith(":latest")


def test_two_gateways_wait_for_what_they_need_and_say_whether_they_are_ready() -> None:
    """Each other service they wait for has a check of its own."""
    gateway = SERVICES["gateway"]
    assert gateway["deploy"]["replicas"] == 2
    assert gateway["command"][:2] == ["serve", "--listen"]
    assert any("/ready" in part for part in gateway["healthcheck"]["test"])
    for needed, how in gateway["depends_on"].items():
        assert how == {"condition": "service_healthy"}
        assert SERVICES[needed]["healthcheck"]["test"]


def test_no_secret_stands_in_the_file() -> None:
    """Each is a file that is in nobody's repository and in no image."""
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            assert not re.search("PASS|SECRET|TOKEN|KEY", key) or value.startswith("/run/secrets/")
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].startswith("./secrets/")
    assert {"/secrets/", "/home/"} <= set((ROOT / ".gitignore").read_text("utf-8").splitlines())
    assert IGNORED[1] == "*"
    assert not [line for line in IGNORED if re.search("home|secret|key|data", line) and line.startswith("!")]


def test_only_the_broker_is_reached_from_outside_and_by_this_machine() -> None:
    """Its database is on a network that leads nowhere."""
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["rabbitmq"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["rabbitmq"]["ports"])
    assert SERVICES["postgresql"]["networks"] == ["database"]
    assert COMPOSE["networks"]["database"] == {"internal": True}


def test_the_image_holds_hashed_packages_and_nobody_s_rights() -> None:
    """Whoever runs in it is not root, and every package is held against its hash."""
    assert "--require-hashes" in DOCKERFILE
    users = re.findall(r"^USER (.*)$", DOCKERFILE, re.M)
    assert users[-1].split(":")[0].isdigit()
    assert users[-1] == SERVICES["gateway"]["user"]
    assert not re.search(r"^(ARG|ADD)\b|curl|wget", DOCKERFILE, re.M)
    copied = {name for line in re.findall(r"^COPY ([^-].*) \S+$", DOCKERFILE, re.M) for name in line.split()}
    assert copied == {line[1:] for line in IGNORED if line.startswith("!")}


def test_what_compose_does_not_know_is_found(tmp_path: Path) -> None:
    """The check of `make check` says no to a mistyped key."""
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(FILE.read_text("utf-8").replace("read_only:", "read_onyl:"), "utf-8")
    check = [
        str(Path(sys.executable).with_name("check-jsonschema")),
        "--builtin-schema",
        "vendor.compose-spec",
    ]
    assert subprocess.run([*check, str(FILE)], capture_output=True, check=False).returncode == 0
    assert subprocess.run([*check, str(wrong)], capture_output=True, check=False).returncode == 1
