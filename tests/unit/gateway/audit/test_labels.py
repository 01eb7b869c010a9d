"""Labels, commitments, leaves."""

from __future__ import annotations

from hashlib import sha256
from hmac import digest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import labels
from gateway.audit.vrf import VrfKey

ORIGIN = "musterstadt.example/24m/2026-11"
KEY = VrfKey(bytes(range(32)))
PERSON = "idnr:02468135774"


def test_a_label_is_the_vrf_s_output_over_origin_and_subject() -> None:
    """The first 32 bytes of beta; another person, shard or key has another label."""
    label, pi = labels.prove_label(KEY, ORIGIN, PERSON)
    assert label == labels.label(KEY, ORIGIN, PERSON)
    assert label == KEY.output(f"einmal/label/v1|{ORIGIN}|{PERSON}".encode())[:32]
    assert labels.verify_label(KEY.public, ORIGIN, PERSON, pi) == label
    assert labels.verify_label(KEY.public, ORIGIN, "idnr:06898534127", pi) is None
    assert labels.verify_label(KEY.public, "musterstadt.example/24m/2026-12", PERSON, pi) is None


def test_the_other_labels_are_those_of_the_format() -> None:
    """Sealed: HMAC under the seal secret. System: a hash of the origin."""
    assert labels.sealed(b"s" * 32, "exchange") == digest(b"s" * 32, b"exchange", "sha256")
    assert labels.system(ORIGIN) == sha256(b"einmal/system/v1|" + ORIGIN.encode()).digest()


def test_the_salt_of_a_house_line_is_made_of_secret_and_event() -> None:
    """Nobody makes it for another event or without the secret; where one of the three is gone, nobody can tell."""
    secret, event = b"s" * 32, b'{"kind":"restored"}'
    salt = labels.house_salt(secret, event)
    assert salt == digest(secret, b"\xffeinmal/house/v1|" + event, "sha256")
    assert labels.by_house(secret, salt, event)
    for wrong in ((b"t" * 32, salt, event), (secret, salt, event + b" "), (secret, salt[:-1], event)):
        assert not labels.by_house(*wrong)
    for gone in ((None, salt, event), (secret, None, event), (secret, salt, None)):
        assert not labels.by_house(*gone)


def test_no_exchange_id_makes_the_salt_of_a_house_line() -> None:
    """Both are made under the seal secret, and a sealed label lies open in the database: an id is a text, and what a
    salt is made of is none in UTF-8."""
    event = b'{"kind":"restored"}'
    with pytest.raises(UnicodeDecodeError):
        (b"\xffeinmal/house/v1|" + event).decode()
    for odd in ("\xff", "", "\ufeff", "\u00ff"):
        sealed = labels.sealed(b"s" * 32, odd + "einmal/house/v1|" + event.decode())
        assert sealed != labels.house_salt(b"s" * 32, event)


@pytest.mark.parametrize(
    ("subject", "good"),
    [
        (PERSON, True),
        ("reg:melderegister:4711", True),
        ("reg:melderegister:A 47|11:b", True),
        ("org:gewerberegister:HRB 1", True),
        ("idnr:0246813577", False),
        ("idnr:02468135774\n", False),
        ("reg::4711", False),
        ("reg:melderegister:", False),
        ("mail:x:y", False),
        ("", False),
    ],
)
def test_a_subject_has_one_of_three_forms(subject: str, good: bool) -> None:
    """Anything else is no subject."""
    assert labels.is_subject(subject) is good


def test_parts_of_another_length_are_refused() -> None:
    """A salt, a label and a commitment have 32 bytes each."""
    with pytest.raises(ValueError):
        labels.commit(b"short", b"{}")
    with pytest.raises(ValueError):
        labels.leaf(b"short", bytes(32))
    assert labels.parse_leaf(b"\x02" + bytes(64)) is None
    assert labels.parse_leaf(b"\x01" + bytes(63)) is None


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=200), st.data())
def test_any_flipped_byte_of_salt_event_or_leaf_is_found(
    salt: bytes, event: bytes, data: st.DataObject
) -> None:
    """The leaf opens to exactly this salt and this event, under this label."""
    label = bytes(range(32))
    made = labels.leaf(label, labels.commit(salt, event))
    assert made[:1] == b"\x01"
    assert len(made) == 65
    parsed = labels.parse_leaf(made)
    assert parsed is not None
    assert parsed.label == label
    assert labels.opens(parsed, salt, event)
    part = data.draw(st.sampled_from(["salt", "event", "leaf"]))
    flipped = bytearray({"salt": salt, "event": event, "leaf": made}[part])
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= data.draw(st.integers(1, 255))
    if part == "leaf":
        other = labels.parse_leaf(bytes(flipped))
        assert other is None or other.label != label or not labels.opens(other, salt, event)
    elif part == "salt":
        assert not labels.opens(parsed, bytes(flipped), event)
    else:
        assert not labels.opens(parsed, salt, bytes(flipped))
