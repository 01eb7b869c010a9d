"""Signatures over bytes as they travel."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from signed import BODY, END, NOW, P256_JWK, START, b64url, claims, ed25519_jwk, only, published, signer

from consent.vocabulary import ReasonCode
from gateway import jose, jws

KEY = signer("wohngeldstelle-2026")
FIND = only(published(KEY))
HEADER: dict[str, Any] = {"alg": "EdDSA", "b64": False, "crit": ["b64"], "kid": KEY.kid, **claims()}


def forged(header: dict[str, Any] | bytes, key: jws.SigningKey = KEY, body: bytes = BODY) -> str:
    """Out: a token with any header at all, truly signed."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    protected = b64url(raw)
    return f"{protected}..{b64url(key.sign(protected.encode() + b'.' + body))}"


def refused(token: str, body: bytes = BODY, find: jws.Find = FIND) -> ReasonCode:
    """Out: why it proves nothing."""
    with pytest.raises(jws.SignatureInvalid) as caught:
        jws.verify_detached(token, body, find, jws.REQUEST)
    assert caught.value.__cause__ is None
    return caught.value.code


def test_what_is_signed_verifies_and_gives_its_claims_back() -> None:
    """The header is the claims and `alg b64 crit kid`; the key that signed is named."""
    header, key = jws.verify_detached(jws.sign_detached(BODY, claims(), KEY), BODY, FIND, jws.REQUEST)
    assert header == HEADER
    assert key.kid == KEY.kid


@pytest.mark.parametrize("body", [b"", b"a", b"abc_DEF-123", b"\x00\xff" * 100])
def test_a_payload_never_travels_in_the_token(body: bytes) -> None:
    """Not even one of URL-safe characters, which RFC 7797 would let stand in it."""
    token = jws.sign_detached(body, claims(), KEY)
    assert token.split(".")[1] == ""
    jws.verify_detached(token, body, FIND, jws.REQUEST)
    assert refused(f"{token.split('.')[0]}.{body.decode('latin-1')}x.{token.split('.')[2]}", body) == (
        ReasonCode.SIGNATURE_INVALID
    )


def test_the_signed_bytes_are_header_dot_body() -> None:
    """RFC 7797 section 3, checked with the primitive alone."""
    protected, _, signature = jws.sign_detached(BODY, claims(), KEY).split(".")
    assert signature == b64url(KEY.sign(protected.encode() + b"." + BODY))


def test_ed25519_and_es256_are_accepted() -> None:
    """RFC 9864's name for the same key, and P-256 as in RFC 7518."""
    named = jws.SigningKey(KEY.kid, KEY.key, "Ed25519")
    jws.verify_detached(jws.sign_detached(BODY, claims(), named), BODY, FIND, jws.REQUEST)
    curve = jws.signing_key("p256", P256_JWK)
    assert curve.alg == "ES256"
    token = jws.sign_detached(BODY, claims(), curve)
    jws.verify_detached(token, BODY, only(published(curve)), jws.REQUEST)
    assert refused(token, BODY + b" ", only(published(curve))) == ReasonCode.SIGNATURE_INVALID


def test_a_consumer_can_t_choose_no_algorithm() -> None:
    """`alg: none`, with and without a signature."""
    protected = b64url(json.dumps(HEADER | {"alg": "none"}).encode())
    assert refused(f"{protected}..") == ReasonCode.SIGNATURE_INVALID
    assert refused(forged(HEADER | {"alg": "none"})) == ReasonCode.SIGNATURE_INVALID


def test_a_public_key_is_no_shared_secret() -> None:
    """HS256 with the published key as its secret, the classic confusion."""
    secret = jose.decode(jws.public_jwk(KEY)["x"])
    protected = b64url(json.dumps(HEADER | {"alg": "HS256"}).encode())
    mac = hmac.digest(secret, protected.encode() + b"." + BODY, hashlib.sha256)
    assert refused(f"{protected}..{b64url(mac)}") == ReasonCode.SIGNATURE_INVALID


@pytest.mark.parametrize("alg", ["ES256", "Ed448", "RS256", "eddsa", "EdDSA ", ""])
def test_the_algorithm_must_be_the_key_s(alg: str) -> None:
    """Exactly, with an otherwise true signature."""
    assert refused(forged(HEADER | {"alg": alg})) == ReasonCode.SIGNATURE_INVALID


@pytest.mark.parametrize(
    "change",
    [
        {"b64": True},
        {"b64": 0},
        {"crit": []},
        {"crit": ["b64", "exp"]},
        {"crit": "b64"},
        {"exp": "1795262400"},
        {"exp": 1795262400.0},
        {"iat": True},
        {"iat": -1},
        {"exp": 253402300800},
        {"aud": [claims()["aud"]]},
        {"aud": ""},
        {"kid": 7},
        {"mid": None},
        {"jwk": jws.public_jwk(KEY)},
        {"x5c": ["AA"]},
        {"jku": "https://angreifer.example/keys"},
        {"req": "00"},
        {"typ": "JWT"},
    ],
)
def test_a_header_has_its_members_of_their_types_and_no_others(change: dict[str, Any]) -> None:
    """Each header here is truly signed."""
    assert refused(forged(HEADER | change)) == ReasonCode.SIGNATURE_INVALID


@pytest.mark.parametrize("name", sorted(HEADER))
def test_a_header_lacks_nothing(name: str) -> None:
    """Each member is needed."""
    rest = {other: value for other, value in HEADER.items() if other != name}
    assert refused(forged(rest)) == ReasonCode.SIGNATURE_INVALID


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(HEADER).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(HEADER).encode(),
        json.dumps(HEADER).replace('"alg"', '"alg": "none", "alg"').encode(),
        b"[" * 3000,
        b"[]",
        b"null",
        b"",
        b"\xff",
        json.dumps(HEADER | {"iat": 1}).replace(": 1,", ": NaN,").encode(),
    ],
    ids=["utf-16", "bom", "twice", "deep", "list", "null", "empty", "not-utf-8", "nan"],
)
def test_a_header_is_one_plain_json_object(raw: bytes) -> None:
    """In UTF-8, each name once, whatever a lenient parser would make of it."""
    assert refused(forged(raw)) == ReasonCode.SIGNATURE_INVALID


def test_a_reply_s_header_is_no_request_s() -> None:
    """The kinds have different members, so one can't be passed off as the other."""
    reply: dict[str, str | int] = {"iat": 1, "aud": "a", "mid": "m", "req": jws.digest(BODY)}
    token = jws.sign_detached(BODY, reply, KEY)
    assert refused(token) == ReasonCode.SIGNATURE_INVALID
    assert jws.verify_detached(token, BODY, FIND, jws.REPLY)[0]["req"] == jws.digest(BODY)
    with pytest.raises(ValueError):
        jws.sign_detached(BODY, {**reply, "exp": 2}, KEY)


def test_a_token_has_one_spelling() -> None:
    """Padding, other alphabets, stray characters and spare bits are refused."""
    token = jws.sign_detached(BODY, claims(), KEY)
    head, _, signature = token.split(".")
    spare = signature[:-1] + chr(ord(signature[-1]) + 1)
    for other in (
        f"{head}..{signature}==",
        f"{head}..{signature}\n",
        f"{head}..{spare}",
        f" {token}",
        token + ".",
        f"{head}.{signature}",
        f"{head}...{signature}",
        f"{head}..{signature[:-2]}",
        f"{head}..ä",
        "",
        "..",
        ".",
    ):
        assert refused(other) == ReasonCode.SIGNATURE_INVALID


def test_an_oversized_token_is_refused_before_it_is_decoded() -> None:
    """However true its signature is."""
    assert refused(forged(HEADER | {"aud": "a" * jws.MAX_TOKEN_CHARS})) == ReasonCode.SIGNATURE_INVALID


def test_an_unknown_key_and_a_key_for_encryption_sign_nothing() -> None:
    """Also when the directory answers with a key of another name."""
    token = jws.sign_detached(BODY, claims(), KEY)
    assert refused(token, find=only()) == ReasonCode.KEY_UNKNOWN
    assert refused(token, find=only(published(KEY, use="enc"))) == ReasonCode.KEY_UNKNOWN
    assert refused(token, find=lambda _: published(signer("another"))) == ReasonCode.KEY_UNKNOWN
    other = published(signer(KEY.kid, seed=2))
    assert refused(token, find=only(other)) == ReasonCode.SIGNATURE_INVALID


def test_a_key_counts_within_its_time_and_until_revoked() -> None:
    """Both ends included; from the moment of its revocation on it does not."""
    key = published(KEY)
    assert key.valid_at(START)
    assert key.valid_at(END)
    assert not key.valid_at(START.replace(year=2025))
    assert not key.valid_at(END.replace(year=2028))
    revoked = published(KEY, revoked_at=NOW)
    assert not revoked.valid_at(NOW)
    assert revoked.valid_at(START)


# --- keys --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [
        {"kty": "EC"},
        {"crv": "Ed448"},
        {"crv": ["Ed25519"]},
        {"x": b64url(bytes(32))},
        {"x": b64url(b"\x01" + bytes(31))},
        {"x": b64url(b"\xff" * 32)},
        {"x": "AA"},
        {"x": 1},
        {"x": jws.public_jwk(KEY)["x"] + "="},
        {"kid": "a"},
        {"use": "sig"},
        {"d": ed25519_jwk(1)["d"]},
    ],
)
def test_a_jwk_is_a_usable_public_key_and_nothing_else(change: dict[str, object]) -> None:
    """Points of small order, private parts, spare members and other curves are refused without quoting them."""
    with pytest.raises(ValueError) as caught:
        jws.public_key({**jws.public_jwk(KEY), **change})
    assert "AA" not in str(caught.value)


def test_a_private_jwk_s_parts_belong_together() -> None:
    """Another key's public part would let our signatures be checked against a stranger."""
    with pytest.raises(ValueError):
        jws.signing_key("k", ed25519_jwk(1) | {"x": ed25519_jwk(2)["x"]})
    with pytest.raises(ValueError):
        jws.signing_key("k", P256_JWK | {"y": b64url(bytes(32))})
    with pytest.raises(ValueError):
        jws.signing_key("k", jws.public_jwk(KEY))


def test_an_encryption_key_can_be_read_but_never_signs() -> None:
    """X25519 is for `enc`."""
    x25519 = {"kty": "OKP", "crv": "X25519", "x": b64url(b"\x09" + bytes(31))}
    assert jws.public_key(x25519).curve_name == "X25519"
    with pytest.raises(ValueError):
        jws.SigningKey("k", KEY.key, "ES256")


def test_no_repr_shows_a_secret() -> None:
    """Neither the key object nor its bytes."""
    assert ed25519_jwk(1)["d"] not in repr(KEY)
    assert "_raw" not in repr(KEY) + repr(published(KEY))


# --- files -------------------------------------------------------------------------------------------------
OWNER, APPROVER = signer("registerleitung", 11), signer("freigabe", 12)
PEOPLE = only(published(OWNER), published(APPROVER))
GRANT = '[[grant]]\nid = "wohngeld-residence"\n# Größe\n'.encode()


def test_a_file_is_signed_by_two_one_after_the_other() -> None:
    """On two machines: the second adds to what the first signed."""
    first = jws.sign_file(GRANT, [OWNER])
    both = jws.sign_file(GRANT, [APPROVER], first)
    assert [key.kid for key in jws.verify_file(GRANT, both, PEOPLE)] == ["registerleitung", "freigabe"]
    assert "payload" not in json.loads(both)
    assert jws.sign_file(GRANT, [OWNER, APPROVER]) == both


def test_one_bad_signature_refuses_the_file() -> None:
    """Also beside good ones, also one person twice, also an unknown person."""
    both = jws.sign_file(GRANT, [OWNER, APPROVER])
    stranger = jws.sign_file(GRANT, [signer("niemand", 13)], both)
    twice = jws.sign_file(GRANT, [OWNER, OWNER])
    other = jws.sign_file(GRANT + b"#", [APPROVER], jws.sign_file(GRANT, [OWNER]))
    for signed, body in ((both, GRANT + b"\n"), (stranger, GRANT), (twice, GRANT), (other, GRANT)):
        with pytest.raises(jws.SignatureInvalid):
            jws.verify_file(body, signed, PEOPLE)


@pytest.mark.parametrize(
    "change",
    [
        lambda jose: jose.update(payload=""),
        lambda jose: jose.update(signatures=[]),
        lambda jose: jose.update(signatures=jose["signatures"] * 5),
        lambda jose: jose["signatures"][0].update(header={"kid": "freigabe"}),
        lambda jose: jose["signatures"][0].pop("protected"),
        lambda jose: jose["signatures"][0].update(signature="ä"),
        lambda jose: jose["signatures"][0].update(protected=1),
        lambda jose: jose["signatures"].append("x"),
    ],
)
def test_a_signature_file_has_one_form(change: Any) -> None:
    """General JSON with `protected` and `signature` alone."""
    jose = json.loads(jws.sign_file(GRANT, [OWNER, APPROVER]))
    change(jose)
    with pytest.raises(jws.SignatureInvalid):
        jws.verify_file(GRANT, json.dumps(jose), PEOPLE)


def test_a_message_s_signature_is_no_file_s() -> None:
    """Their headers have different members."""
    protected, _, signature = jws.sign_detached(GRANT, claims(), OWNER).split(".")
    signed = json.dumps({"signatures": [{"protected": protected, "signature": signature}]})
    with pytest.raises(jws.SignatureInvalid):
        jws.verify_file(GRANT, signed, PEOPLE)


# --- receipts ----------------------------------------------------------------------------------------------
def test_a_receipt_is_bound_to_its_type() -> None:
    """A record's receipt is no exchange's."""
    token = jws.sign_compact(b'{"v":1}', "einmal-receipt+jws", KEY)
    assert jws.verify_compact(token, "einmal-receipt+jws", FIND) == b'{"v":1}'
    with pytest.raises(jws.SignatureInvalid):
        jws.verify_compact(token, "einmal-record+jws", FIND)
    head, _, signature = token.split(".")
    with pytest.raises(jws.SignatureInvalid):
        jws.verify_compact(f"{head}.{b64url(b'{}')}.{signature}", "einmal-receipt+jws", FIND)
