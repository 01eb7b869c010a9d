"""A bounded pool of threads with a connection each, and the one place where a database's errors become faults.

Every foreign exception ends here, and its text with it: it may quote the row or the parameters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gateway.errors import Fault, RegisterProtocol, RegisterTimeout, RegisterUnavailable

Result = TypeVar("Result")

_SQLITE_ERROR: Final = 1
"""SQLite's code for a statement that makes no sense to it, such as a column that is gone."""


class Workers:
    """Runs work on an engine's connections, each piece within its time."""

    def __init__(self, register: str, engine: sa.Engine, count: int, timeout_seconds: float) -> None:
        self.engine = engine
        self._register, self._timeout = register, timeout_seconds
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=f"register-{register}")

    async def run(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Out: the work's. Raises: RegisterUnavailable, RegisterTimeout, RegisterProtocol; work that ran out of
        time is stopped where the database lets us, and may have been done all the same."""
        running = _Running()
        doing = asyncio.get_running_loop().run_in_executor(self._threads, self._do, work, running)
        try:
            async with asyncio.timeout(self._timeout):
                return await doing
        except TimeoutError:
            running.stop()
            raise RegisterTimeout(self._register) from None

    def close(self) -> None:
        """Give up what runs, and every connection."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.engine.dispose()

    def _do(self, work: Callable[[sa.Connection], Result], running: _Running) -> Result:
        try:
            with self.engine.connect() as connection, running.on(connection):
                return work(connection)
        except Fault:
            raise
        except (PoolTimeout, TimeoutError):
            raise RegisterTimeout(self._register) from None
        except (OperationalError, InterfaceError) as error:
            senseless = getattr(error.orig, "sqlite_errorcode", None) == _SQLITE_ERROR
            raise (RegisterProtocol if senseless else RegisterUnavailable)(self._register) from None
        except DBAPIError as error:
            raise (RegisterUnavailable if error.connection_invalidated else RegisterProtocol)(
                self._register
            ) from None
        except OSError:
            raise RegisterUnavailable(self._register) from None
        except (SQLAlchemyError, ValueError, TypeError, ArithmeticError):
            raise RegisterProtocol(self._register) from None


class _Running:
    """Work that can be stopped from the event loop, so that a slow register does not keep its thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._interrupt: Callable[[], None] | None = None
        self._stopped = False

    @contextmanager
    def on(self, connection: sa.Connection) -> Iterator[None]:
        """While it uses this connection. Only SQLite can be interrupted here; others have their own limit."""
        with self._lock:
            if self._stopped:
                raise TimeoutError
            self._interrupt = getattr(connection.connection.driver_connection, "interrupt", None)
        try:
            yield
        finally:
            with self._lock:
                self._interrupt = None

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._interrupt is not None:
                self._interrupt()
