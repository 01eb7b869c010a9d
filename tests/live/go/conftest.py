"""Go's own transparency-log packages as a second opinion, and a VRF over a curve library of theirs (Debian: golang-go,
golang-golang-x-mod-dev, golang-filippo-edwards25519-dev)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter
from absent import leave_out

GO = shutil.which("go")
GOPATH = Path("/usr/share/gocode")
PROGRAMS = Path(__file__).parents[2] / "conformance" / "go"
PACKAGES = ("golang.org/x/mod/sumdb/tlog", "filippo.io/edwards25519")
PRESENT = GO is not None and all((GOPATH / "src" / package).is_dir() for package in PACKAGES)
ABSENT = "no Go verifier: install golang-go, golang-golang-x-mod-dev and golang-filippo-edwards25519-dev"


def compiled(name: str, folder: Path) -> Path:
    """Out: the compiled program. Without Go or its packages: left out; with CI set a failure."""
    if GO is None or not PRESENT:
        leave_out(ABSENT)
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "GOCACHE": str(folder / "cache"),
        "GOPATH": str(GOPATH),
        "GO111MODULE": "off",
        "CGO_ENABLED": "0",
    }
    sources = [str(source) for source in sorted((PROGRAMS / name).glob("*.go"))]
    subprocess.run([GO, "build", "-o", str(folder / name), *sources], check=True, env=environment)
    return folder / name


@pytest.fixture(scope="session")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out: what checks one line of a log."""
    return compiled("line", tmp_path_factory.mktemp("go"))


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out: what checks a citizen's export."""
    return compiled("export", tmp_path_factory.mktemp("go"))


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Say in one line that the group was skipped."""
    if not PRESENT:
        terminalreporter.write_line(f"skipped tests/live/go: {ABSENT}")
