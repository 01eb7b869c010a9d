"""What a group of tests needs and a machine may lack: no user has to have it, so the group is left out."""

from __future__ import annotations

import os
import socket
from typing import NoReturn

import pytest


def leave_out(told: str) -> NoReturn:
    """Leave the test out. In: what is absent, and what to do about it. With CI set: a failure."""
    if os.environ.get("CI"):
        pytest.fail(told)
    pytest.skip(reason=told)  # what it needs is no requirement of a user; with CI set it failed a line above


def listens(host: str | None, port: int) -> bool:
    """Out: whether anybody is there. In: no host is this machine."""
    try:
        socket.create_connection((host or "127.0.0.1", port), 2).close()
    except OSError:
        return False
    return True
