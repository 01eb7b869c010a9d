"""A process that puts something on file and dies by SIGKILL at a chosen statement, or before or after its commit."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from register_errands import submit
from small_register import BY_IDNR, sql

from adapters.registers.sql import SqlRegister

AFTER_COMMIT: Final = "after the commit"


def steps(register: SqlRegister, step: Callable[[str], None]) -> None:
    """Call `step` with each statement before it is sent to write, before the commit and once that is done."""
    assert register._writers is not None
    engine = register._writers.engine

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _statement(_connection: object, _cursor: object, text: str, *_more: object) -> None:
        step(text)

    @sa.event.listens_for(engine, "commit")
    def _commit(connection: sa.Connection) -> None:
        step("COMMIT")
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.commit()
        step(AFTER_COMMIT)


def run(root: str, values: Mapping[str, str], replaces: Mapping[str, str], fatal: int) -> None:
    """In: where the register is, what is submitted, and at which step to die."""
    register, passed = sql(Path(root)), iter(range(1_000))

    def step(_text: str) -> None:
        if next(passed) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(register.filed(""))  # learns the tables, and counts no step
    steps(register, step)
    asyncio.run(submit(register, BY_IDNR, values, replaces))
