"""A witness over HTTP (C2SP tlog-witness): one POST, one answer.

TLS is verified by the machine's own certificates; nobody is sent on elsewhere; an answer is read as far as it may be
long, within one time limit for all of it.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

import httpx

from gateway.audit.note import Verifier
from gateway.audit.witness import PATH, Answer, AnswerInvalid, Submission, answer
from gateway.errors import WitnessUnavailable

MOST_BYTES: Final = 65_536
"""A hundred signature lines, and room."""


class HttpWitness:
    """Port `Witness`."""

    def __init__(self, name: str, verifier: Verifier, url: str, timeout_seconds: float) -> None:
        """In: what it is called here, its key, its submission prefix, how long an answer may take."""
        self._name, self._verifier = name, verifier
        self._url = f"{url.rstrip('/')}/{PATH}"
        self._timeout_seconds = timeout_seconds

    @property
    def name(self) -> str:
        return self._name

    @property
    def verifier(self) -> Verifier:
        return self._verifier

    async def add(self, asked: Submission) -> Answer:
        """Ask it to cosign. Raises: WitnessUnavailable."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return answer(*await self._posted(asked.render()))
        except TimeoutError:
            raise self._unavailable(f"no answer within {self._timeout_seconds:g} seconds") from None
        except AnswerInvalid as wrong:
            raise self._unavailable(f"no answer of a witness: {wrong}") from None
        except httpx.HTTPError as error:
            raise self._unavailable(_why(error)) from None

    async def _posted(self, body: bytes) -> tuple[int, str, bytes]:
        async with (
            httpx.AsyncClient(verify=ssl.create_default_context(), timeout=None) as client,  # noqa: S113  see add
            client.stream("POST", self._url, content=body, headers={"accept-encoding": "identity"}) as said,
        ):
            read = bytearray()
            async for part in said.aiter_raw():
                read += part
                if len(read) > MOST_BYTES:
                    raise AnswerInvalid("too long")
            return said.status_code, said.headers.get("content-type", ""), bytes(read)

    def _unavailable(self, why: str) -> WitnessUnavailable:
        return WitnessUnavailable(self._name, why)


def _why(error: httpx.HTTPError) -> str:
    """Out: what became of the connection, in words of ours: the foreign text may quote what was answered."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "its TLS certificate or connection is not to be trusted"
    if isinstance(error, httpx.ConnectError):
        return "it can't be reached"
    return "the connection broke off, or what came was no HTTP"
