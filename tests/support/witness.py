"""A witness as another authority runs one: C2SP tlog-witness, read again from its text, over HTTP on loopback.

It shares with the house the hashes of the tree and the form of notes, and nothing of how a request is written.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Literal

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.audit import note, tree
from gateway.audit.note import Signer, Verifier
from gateway.audit.witness import Answer, Submission, answer
from gateway.errors import WitnessUnavailable

Mood = Literal["honest", "silent", "elsewhere", "endless", "broken", "babbling", "forging", "forgetful"]


@dataclass
class WitnessTown:
    """What it knows, what it saw, and what goes wrong with it."""

    name: str = "nachbarstadt.example/zeuge"
    seed: bytes = b"\x33" * 32
    logs: dict[str, Verifier] = field(default_factory=dict)
    """The logs it watches, by origin."""
    seen: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Size and root of the last checkpoint it cosigned, by origin."""
    mood: Mood = "honest"
    clock: int = 1_795_292_868
    asked: int = 0
    trusts_anybody: bool = False
    """Whether it takes a log that it does not know at its first word: for tests of other things."""

    @property
    def signer(self) -> Signer:
        return Signer.from_seed(self.name, self.seed)

    def cosigns(self, body: bytes) -> tuple[int, str, str]:
        """Out: status, content type and body of what it answers to `add-checkpoint`."""
        self.asked += 1
        head, blank, checkpoint = body.decode().partition("\n\n")
        old_line, *proof_lines = head.split("\n")
        if not blank or not old_line.startswith("old ") or len(proof_lines) > 63:
            return 400, "text/plain", "malformed"
        text = checkpoint[: checkpoint.index("\n\n") + 1]
        origin, size_line, root_line, _ = text.split("\n")
        old, size, root = int(old_line[4:]), int(size_line), b64decode(root_line)
        if origin not in self.logs:
            if not self.trusts_anybody:
                return 404, "text/plain", "unknown log"
        else:
            try:
                note.open_note(checkpoint, [self.logs[origin]])
            except note.NoteInvalid:
                return 403, "text/plain", "not its key"
        if old > size:
            return 400, "text/plain", "older than old"
        last, last_root = self.seen.get(origin, (0, tree.EMPTY_ROOT))
        if old != last:
            return 409, "text/x.tlog.size", f"{last}\n"
        proof = [b64decode(line, validate=True) for line in proof_lines]
        if (old == 0 and proof) or not tree.verify_consistency(old, last_root, size, root, proof):
            return 422, "text/plain", "not consistent"
        self.seen[origin] = (size, root)
        return 200, "text/plain", self._lines(text, checkpoint)

    def _lines(self, text: str, checkpoint: str) -> str:
        stranger = Signer.from_seed("somebody.example/else", b"\x44" * 32)
        signed = note.cosign(note.cosign(checkpoint, stranger, self.clock), self.signer, self.clock)
        lines = signed.removeprefix(checkpoint)
        if self.mood == "forging":
            other = checkpoint.replace(text, f"x{text}")
            return note.cosign(other, self.signer, self.clock).removeprefix(other)
        return lines

    async def respond(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        match self.mood:
            case "silent":
                await asyncio.Event().wait()
            case "elsewhere":
                raise web.HTTPTemporaryRedirect("/elsewhere/add-checkpoint")
            case "broken":
                return web.Response(status=500, text="out of order")
            case "babbling":
                return web.Response(body=b"\xff\xfe no lines")
            case "endless":
                return await self._flood(request)
            case "forgetful":
                self.asked += 1
                return web.Response(status=409, text="12", content_type="text/plain")
        status, kind, said = self.cosigns(body)
        return web.Response(status=status, body=said.encode(), headers={"Content-Type": kind})

    async def _flood(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        try:
            while True:
                await stream.write(b"x" * 65_536)
        except ConnectionError:
            return stream

    @asynccontextmanager
    async def served(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        """Out: its submission prefix, for as long as it stands there."""
        application = web.Application()
        application.router.add_post("/witness/add-checkpoint", self.respond)
        application.router.add_post("/elsewhere/add-checkpoint", self.respond)
        runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
            await site.start()
            port = runner.addresses[0][1]
            yield f"{'https' if tls else 'http'}://127.0.0.1:{port}/witness"
        finally:
            await runner.cleanup()


@contextmanager
def standing(town: WitnessTown) -> Iterator[str]:
    """Out: its submission prefix, served beside this thread, as a command meets it."""
    loop, address, stop = asyncio.new_event_loop(), Queue[str](), asyncio.Event()

    async def serve() -> None:
        async with town.served() as url:
            address.put(url)
            await stop.wait()

    thread = Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        yield address.get(timeout=20)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@dataclass
class Neighbour:
    """Port `Witness` without a wire: the same witness, next door."""

    town: WitnessTown
    name: str = "Nachbarstadt"
    away: bool = False
    loses_answers: int = 0
    """How many answers get lost after it has cosigned."""

    @property
    def verifier(self) -> Verifier:
        return self.town.signer.cosigner

    async def add(self, asked: Submission) -> Answer:
        if self.away:
            raise WitnessUnavailable(self.name, "it can't be reached")
        status, kind, said = self.town.cosigns(asked.render())
        if self.loses_answers:
            self.loses_answers -= 1
            raise WitnessUnavailable(self.name, "the connection broke off")
        return answer(status, kind, said.encode())


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Out: a server's context with a certificate of its own for loopback, and the file of that certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret, public = folder / "witness.key", folder / "witness.pem"
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, secret)
    return context, public
