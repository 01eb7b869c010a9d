"""No byte of what was signed can change unseen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signed import AUDIENCE, NOW, P256_JWK, claims, only, published, signer

from gateway import jose, jws

ED25519, P256 = signer("a"), jws.signing_key("b", P256_JWK)
FIND = only(published(ED25519), published(P256))
KEYS = st.sampled_from([ED25519, P256])


def refused(token: str, body: bytes) -> bool:
    """Out: whether the pair proves nothing."""
    try:
        jws.verify_detached(token, body, FIND, jws.REQUEST)
    except jws.SignatureInvalid:
        return True
    return False


@given(st.binary(max_size=300), KEYS)
def test_whatever_the_body_its_signature_holds(body: bytes, key: jws.SigningKey) -> None:
    """Any bytes, empty ones included."""
    assert not refused(jws.sign_detached(body, claims(), key), body)


@given(st.binary(min_size=1, max_size=300), KEYS, st.data())
def test_a_flipped_bit_of_the_body_is_seen(body: bytes, key: jws.SigningKey, data: st.DataObject) -> None:
    """Any one of them."""
    token = jws.sign_detached(body, claims(), key)
    at, bit = data.draw(st.integers(0, len(body) - 1)), data.draw(st.integers(0, 7))
    changed = bytes(byte ^ (1 << bit) if place == at else byte for place, byte in enumerate(body))
    assert refused(token, changed)


@given(KEYS, st.data())
def test_a_changed_character_of_the_token_is_seen(key: jws.SigningKey, data: st.DataObject) -> None:
    """In the header, the signature, or the dots between them; whatever the new character."""
    token = jws.sign_detached(b"body", claims(), key)
    at = data.draw(st.integers(0, len(token) - 1))
    new = data.draw(
        st.one_of(st.sampled_from("ABQgw019-_.="), st.characters()).filter(lambda c: c != token[at])
    )
    assert refused(token[:at] + new + token[at + 1 :], b"body")


@given(st.text(max_size=200))
def test_no_text_makes_the_check_fail_in_another_way(token: str) -> None:
    """Anything is refused; nothing raises but the refusal."""
    assert refused(token, b"body")


@given(st.binary(max_size=200), st.binary(max_size=64))
def test_no_header_bytes_do_either(header: bytes, signature: bytes) -> None:
    """Well-spelt base64url of anything."""
    assert refused(f"{jose.encode(header)}..{jose.encode(signature)}", b"body")


@given(st.binary(max_size=300), st.data())
def test_a_file_s_signature_sees_every_byte(body: bytes, data: st.DataObject) -> None:
    """Of the file, appended ones included."""
    signed = jws.sign_file(body, [ED25519, P256])
    assert len(jws.verify_file(body, signed, FIND)) == 2
    at = data.draw(st.integers(0, len(body)))
    with pytest.raises(jws.SignatureInvalid):
        jws.verify_file(body[:at] + b"#" + body[at:], signed, FIND)


@given(st.text(max_size=300))
def test_no_text_is_a_signature_file_by_accident(text: str) -> None:
    """Refused, and nothing else."""
    with pytest.raises(jws.SignatureInvalid):
        jws.verify_file(b"", text, FIND)


def test_the_claims_of_these_properties_are_a_request_s() -> None:
    """So that a refusal above is the signature's doing."""
    token = jws.sign_detached(b"body", claims(), ED25519)
    header, _ = jws.verify_detached(token, b"body", FIND, jws.REQUEST)
    assert (header["aud"], header["iat"]) == (AUDIENCE, int(NOW.timestamp()))
