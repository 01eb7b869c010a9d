"""Bodies that only their receiver can read: what is made, what opens, and that everything else does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import foreign_jwe as foreign
import pytest
from joserfc.jwe import JWERegistry, encrypt_compact

from gateway import jose, jwe
from gateway.jws import PublicKey

BODY: Final = '{"straße": "Musterweg"}'.encode()
TYPE: Final = "application/json"
MOST: Final = 200_000
_SINCE, _UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
SECRETS: Final = {curve: foreign.new(curve)[1] for curve in ("X25519", "P-256")}
CURVES: Final = pytest.mark.parametrize("curve", SECRETS)


def to(curve: str, kid: str = "key-1", use: str = "enc") -> PublicKey:
    members = {name: value for name, value in SECRETS[curve].items() if name != "d"}
    return PublicKey(kid, jose.import_key(members), use, _SINCE, _UNTIL)


def own(curve: str, kid: str = "key-1") -> jwe.FindOpening:
    key = jwe.opening_key(kid, SECRETS[curve])
    return {kid: key}.get


def opened(token: bytes, curve: str = "X25519", most: int = MOST) -> tuple[str, bytes]:
    return jwe.decrypt(token, own(curve), most)


def refused(
    token: bytes, curve: str = "X25519", find: jwe.FindOpening | None = None, most: int = MOST
) -> bool:
    """Out: that it was not opened, told as always."""
    with pytest.raises(jwe.NotOpened) as told:
        jwe.decrypt(token, find or own(curve), most)
    assert str(told.value) == "not opened"
    assert told.value.__cause__ is None
    return told.value.__suppress_context__ or told.value.__context__ is None


def public(curve: str) -> dict[str, str]:
    return {name: value for name, value in SECRETS[curve].items() if name != "d"}


# --- made and opened ------------------------------------------------------------------------------------------
@CURVES
def test_what_is_encrypted_opens_with_its_type(curve: str) -> None:
    """Body and media type come out as they went in; another key's owner gets nothing of them."""
    token = jwe.encrypt(BODY, TYPE, to(curve))
    assert opened(token, curve) == (TYPE, BODY)
    assert b"Musterweg" not in token
    stranger = jwe.opening_key("key-1", foreign.new(curve)[1])
    assert refused(token, find={"key-1": stranger}.get)


@CURVES
def test_the_header_says_exactly_five_things(curve: str) -> None:
    """`alg enc cty kid epk` (CONTRACT.md 4); the ephemeral key is public and another one each time."""
    first, second = (foreign.header_of(jwe.encrypt(BODY, TYPE, to(curve))) for _ in range(2))
    assert set(first) == {"alg", "enc", "cty", "kid", "epk"}
    assert (first["alg"], first["enc"], first["cty"], first["kid"]) == ("ECDH-ES", "A256GCM", TYPE, "key-1")
    assert set(first["epk"]) == set(public(curve))
    assert first["epk"] != second["epk"]


def test_a_body_of_a_megabyte_and_an_empty_one_are_bodies() -> None:
    """The library's own limit of 64 kB is not ours."""
    for body in (b"", b"<a/>" * 262_144):
        assert opened(jwe.encrypt(body, TYPE, to("X25519")), most=len(body) + 1) == (TYPE, body)


@pytest.mark.parametrize("use", ["sig", "", "ENC"])
def test_nothing_is_encrypted_to_a_key_that_is_none_for_it(use: str) -> None:
    """Nor to a curve that only signs."""
    with pytest.raises(ValueError, match="not a key to encrypt to"):
        jwe.encrypt(BODY, TYPE, to("P-256", use=use))
    signs = jose.import_key(
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    )
    with pytest.raises(ValueError, match="not a key to encrypt to"):
        jwe.encrypt(BODY, TYPE, PublicKey("k", signs, "enc", _SINCE, _UNTIL))


def test_a_key_that_opens_nothing_is_no_opening_key() -> None:
    """A public half, or a curve that only signs."""
    for members in (public("X25519"), {**SECRETS["X25519"], "crv": "Ed25519"}):
        with pytest.raises(ValueError, match=r"JWK|not a private key"):
            jwe.opening_key("key-1", members)


def test_a_printed_key_shows_no_secret() -> None:
    """The name is all there is to see."""
    assert repr(jwe.opening_key("key-1", SECRETS["X25519"])) == "OpeningKey(kid='key-1')"


# --- as others make it ----------------------------------------------------------------------------------------
def test_the_other_implementation_agrees_with_rfc_7518_appendix_c() -> None:
    """Its key agreement gives the vector's Z and key, so that it may judge ours."""
    alice = {
        "crv": "P-256",
        "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
        "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
        "d": "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo",
    }
    bob = {
        "crv": "P-256",
        "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
        "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
    }
    z = foreign.agreed(foreign.private(alice), foreign.public(bob))
    assert z == foreign.agreed(foreign.private(bob), foreign.public(alice))
    assert list(z[:8]) == [158, 86, 217, 29, 129, 113, 53, 211]
    assert foreign.b64(foreign.derived(z, "A128GCM", 128, b"Alice", b"Bob")) == "VqqN6vgjbSBcIijNcacQGg"


@CURVES
def test_each_side_opens_what_the_other_has_made(curve: str) -> None:
    """Ours and one written from the standards alone."""
    assert opened(foreign.make(BODY, public(curve)), curve) == (TYPE, BODY)
    assert foreign.opened(jwe.encrypt(BODY, TYPE, to(curve)), SECRETS[curve]) == BODY


# --- what does not open ---------------------------------------------------------------------------------------
OTHER_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "no key's name": {"kid": None},
    "another key's name": {"kid": "key-2"},
    "a name that is none": {"kid": 1},
    "no type": {"cty": None},
    "a type that is none": {"cty": ["application/json"]},
    "a type without end": {"cty": "a" * 201},
    "a type of two lines": {"cty": "application/json\n"},
    "an empty type": {"cty": ""},
    "a packed body": {"zip": "DEF"},
    "something critical": {"crit": ["exp"], "exp": 1},
    "a header of its own": {"typ": "JWE"},
    "a party named": {"apu": "QWxpY2U"},
    "another party named": {"apv": "Qm9i"},
    "a key to be fetched": {"jku": "https://example.org/keys"},
    "a key brought along": {"jwk": SECRETS["X25519"]},
    "a certificate": {"x5c": ["MIIB"]},
    "another agreement": {"alg": "ECDH-ES+A256KW"},
    "no agreement": {"alg": "dir"},
    "no algorithm": {"alg": "none"},
    "an algorithm that is none": {"alg": ["ECDH-ES"]},
    "a smaller cipher": {"enc": "A128GCM"},
    "another cipher": {"enc": "A256CBC-HS512"},
    "no ephemeral key": {"epk": None},
    "an ephemeral key that is text": {"epk": "x"},
    "an ephemeral key of another curve": {"epk": public("P-256")},
    "an ephemeral key with its secret": {"epk": SECRETS["X25519"]},
    "an ephemeral key with a name": {"epk": {**public("X25519"), "kid": "key-1"}},
    "an ephemeral key of nothing": {"epk": {"kty": "OKP", "crv": "X25519", "x": foreign.b64(bytes(32))}},
    "an ephemeral key of small order": {
        "epk": {"kty": "OKP", "crv": "X25519", "x": foreign.b64(b"\1" + bytes(31))}
    },
}


@pytest.mark.parametrize("header", OTHER_HEADERS.values(), ids=OTHER_HEADERS)
def test_another_header_does_not_open(header: dict[str, Any]) -> None:
    """Though its tag is right: not more, not less, nothing else than the five members."""
    assert refused(foreign.make(BODY, public("X25519"), **header))


def test_a_point_that_is_not_on_the_curve_does_not_open() -> None:
    """The invalid-curve attack on P-256: such a point would tell the secret key bit by bit."""
    off = {**public("P-256"), "y": foreign.b64(b"\1" * 32)}
    assert refused(foreign.make(BODY, public("P-256"), epk=off), "P-256")


def _part(at: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def changed(token: bytes) -> bytes:
        parts = token.split(b".")
        parts[at] = change(parts[at])
        return b".".join(parts)

    return changed


def _twice(protected: bytes) -> bytes:
    said = foreign.unb64(protected.decode())
    return foreign.b64(said[:-1] + b',"kid":"key-1"}').encode()


OTHER_BYTES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "nothing": lambda _: b"",
    "no token": lambda _: BODY,
    "not ASCII": lambda token: token + "ä".encode(),
    "a line's end": lambda token: token + b"\n",
    "four parts": lambda token: token.rpartition(b".")[0],
    "six parts": lambda token: token + b".",
    "a header with a name twice": _part(0, _twice),
    "a header that is a list": _part(0, lambda _: foreign.b64(b"[]").encode()),
    "a header without end": _part(0, lambda said: said + b"A" * 1024),
    "a header that is padded": _part(0, lambda said: said + b"="),
    "a key beside the agreed one": _part(1, lambda _: foreign.b64(bytes(32)).encode()),
    "a longer IV": _part(2, lambda _: foreign.b64(bytes(16)).encode()),
    "another IV": _part(2, lambda _: foreign.b64(bytes(12)).encode()),
    "no IV": _part(2, lambda _: b""),
    "another ciphertext": _part(3, lambda said: said[:-4] + b"AAAA"),
    "a ciphertext of another alphabet": _part(3, lambda said: b"+/+/" + said[4:]),
    "a ciphertext with room": _part(3, lambda said: said[:4] + b" " + said[4:]),
    "a ciphertext in another spelling": _part(3, lambda said: said[:-1] + bytes([said[-1] + 1])),
    "no ciphertext": _part(3, lambda _: b""),
    "a shorter tag": _part(4, lambda said: foreign.b64(foreign.unb64(said.decode())[:12]).encode()),
    "another tag": _part(4, lambda _: foreign.b64(bytes(16)).encode()),
    "no tag": _part(4, lambda _: b""),
    "JSON": lambda token: json.dumps(dict(zip("abcde", token.decode().split("."), strict=True))).encode(),
}


@pytest.mark.parametrize("change", OTHER_BYTES.values(), ids=OTHER_BYTES)
def test_other_bytes_do_not_open(change: Callable[[bytes], bytes]) -> None:
    """Every part of a token is what was made, in its one spelling."""
    assert refused(change(foreign.make(b"A" * 25, public("X25519"))))


def test_nothing_packed_is_unpacked() -> None:
    """As a library makes it that packs: a small body could be a large one."""
    members = {name: value for name, value in SECRETS["X25519"].items() if name != "d"}
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "cty": TYPE, "kid": "key-1", "zip": "DEF"}
    registry = JWERegistry(algorithms=["ECDH-ES", "A256GCM", "DEF"])
    packed = encrypt_compact(header, b" " * 60_000, jose.import_key(members), registry=registry).encode()
    assert len(packed) < 600
    assert refused(packed)


def test_a_key_that_may_open_no_more_opens_nothing() -> None:
    """Whoever finds keys says which of them may; the one it gives has to be the one that was named."""
    token = jwe.encrypt(BODY, TYPE, to("X25519"))
    other = jwe.opening_key("key-9", SECRETS["X25519"])
    assert refused(token, find=lambda _: None)
    assert refused(token, find=lambda _: other)
    assert refused(token, find={"key-1": jwe.opening_key("key-1", SECRETS["P-256"])}.get)


def test_a_body_may_be_as_large_as_it_is_told_and_no_larger() -> None:
    """One byte more is refused, and far more is not even looked at."""
    token = jwe.encrypt(BODY, TYPE, to("X25519"))
    asked: list[str] = []

    def find(kid: str) -> jwe.OpeningKey | None:
        asked.append(kid)
        return own("X25519")(kid)

    assert opened(token, most=len(BODY)) == (TYPE, BODY)
    assert refused(token, most=len(BODY) - 1)
    assert refused(jwe.encrypt(bytes(5000), TYPE, to("X25519")), find=find, most=1000)
    assert asked == []
