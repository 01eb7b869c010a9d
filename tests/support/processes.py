"""Processes of a test's own, forked off a server that has read the house once: each begins at once, and fresh.

There is one such server for all tests that a process runs, whoever asks first; so what it has read is said here alone.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import wait
from threading import Lock
from typing import Final

OWN: Final = multiprocessing.get_context("forkserver")
# By the names it has in the folder that the tests run in: the server does not know the tests' path.
OWN.set_forkserver_preload(["gateway.assembly", "gateway.cli.demo.home", "tests.support.warmed"])
_ONE: Final = Lock()
"""Whoever starts a process asks how all others ended, and each end is told once: of two threads one would hear 255."""
SECONDS: Final = 60
"""How long a process is waited for."""


def lived(work: Callable[..., None], *given: object, copies: int = 1) -> list[int | None]:
    """Run processes side by side. Out: how each ended; None: it did not, and is not left behind."""
    processes = [OWN.Process(target=work, args=given) for _ in range(copies)]
    with _ONE:
        for process in processes:
            process.start()
    for process in processes:
        wait([process.sentinel], SECONDS)
    with _ONE:
        ended = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    return ended
