"""Go's own transparency-log packages as a second opinion (Debian: golang-go, golang-golang-x-mod-dev)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

GO = shutil.which("go")
GOPATH = Path("/usr/share/gocode")
PROGRAM = Path(__file__).parents[2] / "conformance" / "go" / "main.go"
PRESENT = GO is not None and (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir()
ABSENT = "no Go verifier: install golang-go and golang-golang-x-mod-dev"


@pytest.fixture(scope="session")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out: the compiled program. Without Go or its package: skipped; with CI set a failure."""
    if GO is None or not PRESENT:
        if os.environ.get("CI"):
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)  # Go is no requirement of a user; with CI set it failed a line above
    folder = tmp_path_factory.mktemp("go")
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "GOCACHE": str(folder / "cache"),
        "GOPATH": str(GOPATH),
        "GO111MODULE": "off",
        "CGO_ENABLED": "0",
    }
    binary = folder / "verify"
    subprocess.run([GO, "build", "-o", str(binary), str(PROGRAM)], check=True, env=environment)
    return binary


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Say in one line that the group was skipped."""
    if not PRESENT:
        terminalreporter.write_line(f"skipped tests/live/go: {ABSENT}")
