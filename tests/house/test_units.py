"""The units for systemd on docs/run-as-a-service.md: whole, hardened, and every command in them runs on a home."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "run-as-a-service.md"
FOLDER: Final = "/etc/systemd/system/"
SHARED: Final = "einmal-.service.d/hardening.conf"
FILES: Final = {
    path.removeprefix(FOLDER): text
    for path, text in re.findall(r"^```file ([^\n]+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
}
SERVICES: Final = [name for name in FILES if name.endswith(".service")]
SECTIONS: Final = {"service": ["Unit", "Service", "Install"], "timer": ["Unit", "Timer", "Install"]}
COMMAND: Final = "/opt/einmal/.venv/bin/einmal"
SERVE: Final = f"{COMMAND} serve"
SECONDS: Final = 60.0


def unit(name: str) -> ConfigParser:
    """Out: a file of the page as systemd would read it; of a key that is there several times, the last."""
    parser = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(FILES[name])
    return parser


def commands(name: str) -> Iterator[str]:
    """Out: what a service starts, as a shell writes it; systemd's `$$` and `%%` are one sign each."""
    for line in re.findall(r"^ExecStart=(.*)$", FILES[name], re.M):
        yield line.replace("$$", "$").replace("%%", "%").replace("{}", "'{}'")


def test_each_unit_has_the_sections_systemd_knows() -> None:
    """Units and timers in their order; every timer starts a service of the page."""
    timers = [name for name in FILES if name.endswith(".timer")]
    assert set(FILES) == {SHARED, *SERVICES, *timers}
    for name in (*SERVICES, *timers):
        known = SECTIONS[name.rpartition(".")[2]]
        assert unit(name).sections() == [one for one in known if one in unit(name)]
        assert name.startswith("einmal-"), "it would not read what all share"
    assert {name.replace(".timer", ".service") for name in timers} < set(SERVICES)


def test_no_unit_runs_without_its_hardening() -> None:
    """User, write paths and limits stand in the file that all share; a service adds places to write to, no more."""
    shared = unit(SHARED)["Service"]
    for key, value in {
        "User": "einmal",
        "UMask": "0077",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "",
        "SystemCallFilter": "@system-service",
        "LimitCORE": "0",
    }.items():
        assert shared[key] == value
    for name in SERVICES:
        assert set(unit(name)["Service"]) & set(shared) <= {"ReadWritePaths"}


def test_what_is_written_may_be_written() -> None:
    """Every path outside the program that a command of the page names is among its service's `ReadWritePaths`."""
    shared = unit(SHARED)["Service"]["ReadWritePaths"].split()
    for name in SERVICES:
        allowed = unit(name)["Service"].get("ReadWritePaths", "").split() + shared
        named = re.findall(r"(?<!\S)(/(?:srv|var)/[^\s$']*?)/?(?=[\s$']|$)", "\n".join(commands(name)))
        assert [path for path in named if path not in allowed] == []


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out: a folder in which the paths of the page begin; a new home is in it, its law in force."""
    root = tmp_path_factory.mktemp("machine")
    for folder in ("srv/einmal", "var/backups/einmal"):
        (root / folder).mkdir(parents=True)
    for command in (f"{COMMAND} init /srv/einmal/home", f"{COMMAND} reload"):
        assert started(command, root).returncode == 0
    return root


def here(command: str, root: Path) -> str:
    """Out: the command with the paths of that folder, and the program that is tested."""
    program = command.replace(COMMAND, str(Path(sys.executable).parent / "einmal"))
    return re.sub(r"(?<![\w/])/(srv|var)/", rf"{root}/\1/", program)


def started(command: str, root: Path) -> subprocess.CompletedProcess[str]:
    home = unit(SHARED)["Service"]["Environment"]
    return subprocess.run(
        ["sh", "-c", f"export {here(home, root)}; {here(command, root)}"],
        cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


def test_every_command_of_a_timer_does_what_it_is_for(machine: Path) -> None:
    """Backup, tiles for everybody and for auditors, retention, watch: each ends with 0, twice."""
    for _ in range(2):
        for name in SERVICES:
            for command in commands(name):
                if command != SERVE:
                    done = started(command, machine)
                    assert done.returncode == 0, f"{command}\n{done.stdout}"
        (kept,) = (machine / "var/backups/einmal").iterdir()
        assert {file.name for file in kept.iterdir()} == {"einmal.sqlite3", "bus.sqlite3"}
        kept.rename(machine / kept.name)
    assert list((machine / "srv/einmal/log").rglob("checkpoint"))
    assert not list((machine / "srv/einmal/log").rglob("entries"))
    assert list((machine / "srv/einmal/auditors").rglob("entries"))


def test_the_service_serves_until_it_is_told_to_end(machine: Path) -> None:
    """SIGTERM, as `systemctl stop` sends it, ends it with 0."""
    (command,) = commands("einmal-serve.service")
    home = here(unit(SHARED)["Service"]["Environment"], machine).partition("=")[2]
    with subprocess.Popen(
        here(command, machine).split(), env={"EINMAL_HOME": home}, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert any('"serving"' in line for line in process.stderr)
        process.terminate()
        assert process.wait(SECONDS) == 0
