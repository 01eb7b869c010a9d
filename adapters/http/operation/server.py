"""The endpoint: GET /live, /ready and /metrics, and nothing else."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from aiohttp import web

from adapters.http.operation.figures import render
from adapters.measures import Counted
from consent.vocabulary import Problem
from gateway.config.home import SETTINGS_FILE
from gateway.config.operation import Listen
from gateway.errors import ConfigurationFault
from gateway.operation import Operation
from gateway.telemetry import logger, told

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_CLOSE_SECONDS: Final = 1.0
_QUIET: Final = logging.getLogger("einmal.operation")
"""aiohttp tells of bad requests with what is in them; that anybody asked is nobody's concern."""
_QUIET.setLevel(logging.CRITICAL + 1)


class Endpoint:
    """One listening socket; opened with `open`."""

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner

    @classmethod
    async def open(cls, host: str, port: int, operation: Operation, counted: Counted) -> Endpoint:
        """In: where to listen (port 0: any), what is shown. Raises: ConfigurationFault, when that is not to be had."""
        app = web.Application()
        app.on_response_prepare.append(_as_ours)
        app.add_routes(
            [
                web.get("/live", _guarded(_live)),
                web.get("/ready", _guarded(_ready(operation))),
                web.get("/metrics", _guarded(_metrics(operation, counted))),
            ]
        )
        runner = web.AppRunner(app, access_log=None, logger=_QUIET, shutdown_timeout=_CLOSE_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise _not_to_be_had(Listen(host, port), error) from None
        return cls(runner)

    @property
    def port(self) -> int:
        """Out: the port it listens at."""
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Let go of the port. Idempotent."""
        await self._runner.cleanup()


async def _live(_request: web.Request) -> web.Response:
    return _json({"live": True}, 200)


def _ready(operation: Operation) -> Handler:
    async def ready(_request: web.Request) -> web.Response:
        readiness = await operation.readiness()
        return _json(readiness.facts, 200 if readiness.ready else 503)

    return ready


def _metrics(operation: Operation, counted: Counted) -> Handler:
    async def metrics(_request: web.Request) -> web.Response:
        text = render(counted, await operation.figures())
        return web.Response(body=text, headers={"Content-Type": _TEXT})

    return metrics


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001  whatever it was, nothing of it leaves
            logger().error("operation-failed", **told(error))
            return _json({"error": "internal"}, 500)

    return guarded


def _json(facts: object, status: int) -> web.Response:
    text = json.dumps(facts, ensure_ascii=False, indent=2) + "\n"
    return web.Response(text=text, status=status, content_type="application/json")


async def _as_ours(_request: web.Request, response: web.StreamResponse) -> None:
    """Nothing is cached, and nobody is told which versions run here."""
    response.headers.update(_HEADERS)
    response.headers["Server"] = "einmal"


def _not_to_be_had(listen: Listen, error: OSError) -> ConfigurationFault:
    wrong = f"can't be listened at: port {listen.port} ({type(error).__name__})"
    mend = "Name a free port of this machine; a second process needs one of its own: `einmal serve --listen`."
    return ConfigurationFault((Problem(SETTINGS_FILE, None, "operation.listen", wrong, mend),))
