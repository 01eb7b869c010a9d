"""The VRF: the vectors of RFC 9381 appendix B.3, and refusal of everything that is not a proof."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit import vrf


@dataclass(frozen=True)
class Example:
    secret: str
    public: str
    alpha: str
    pi: str
    beta: str


EXAMPLES = {
    16: Example(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479d97"
        "27d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
        "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff"
        "66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae",
    ),
    17: Example(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a465"
        "301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
        "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb"
        "5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031",
    ),
    18: Example(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf8096bb474e53895c362d8628ee9f9ea3c0"
        "e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e",
        "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c45"
        "2118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f",
    ),
}
ORDER = 2**252 + 27742317777372353535851937790883648493
KEY = vrf.VrfKey(bytes(range(32)))
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
]
NOT_CANONICAL = [
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


@pytest.mark.parametrize("number", EXAMPLES)
def test_the_examples_of_the_rfc_come_out(number: int) -> None:
    """Public key, pi and beta of examples 16 to 18 are the RFC's, made and verified."""
    example = EXAMPLES[number]
    key = vrf.VrfKey(bytes.fromhex(example.secret))
    alpha = bytes.fromhex(example.alpha)
    beta, pi = key.prove(alpha)
    assert key.public.hex() == example.public
    assert pi.hex() == example.pi
    assert beta.hex() == example.beta
    assert key.output(alpha) == beta
    assert vrf.verify(key.public, alpha, pi) == beta


@pytest.mark.parametrize("encoded", SMALL_ORDER + NOT_CANONICAL)
def test_points_of_small_order_or_another_spelling_are_refused(encoded: str) -> None:
    """Neither as key nor as Gamma."""
    bad = bytes.fromhex(encoded)
    _, pi = KEY.prove(b"alpha")
    assert not vrf.is_point(bad)
    assert vrf.verify(bad, b"alpha", pi) is None
    assert vrf.verify(KEY.public, b"alpha", bad + pi[32:]) is None


@pytest.mark.parametrize("beyond", range(19))
def test_hashing_to_the_curve_takes_no_other_spelling(beyond: int) -> None:
    """RFC 8032 5.1.3 decodes no coordinate beyond the field; libsodium alone would."""
    assert vrf._times_eight((2**255 - 19 + beyond).to_bytes(32, "little")) is None


def test_another_spelling_of_the_answer_is_refused() -> None:
    """s + q would verify; it is refused, so a proof has one spelling."""
    _, pi = KEY.prove(b"alpha")
    twin = int.from_bytes(pi[48:], "little") + ORDER
    assert vrf.verify(KEY.public, b"alpha", pi[:48] + twin.to_bytes(32, "little")) is None


@pytest.mark.parametrize("pi", [b"", bytes(80), bytes(79), bytes(81), b"\xff" * 80])
def test_what_is_no_proof_is_refused(pi: bytes) -> None:
    """Wrong lengths and nonsense give None, never an exception."""
    assert vrf.verify(KEY.public, b"alpha", pi) is None
    assert vrf.verify(b"short", b"alpha", KEY.prove(b"alpha")[1]) is None


def test_a_key_of_another_length_is_refused() -> None:
    """A seed has 32 bytes."""
    with pytest.raises(ValueError):
        vrf.VrfKey(bytes(31))


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=40), st.integers(0, 79), st.integers(1, 255))
def test_any_flipped_byte_of_a_proof_is_found(alpha: bytes, at: int, flip: int) -> None:
    """A proof shows beta for its own alpha and key, and no proof with another byte shows anything."""
    beta, pi = KEY.prove(alpha)
    flipped = bytearray(pi)
    flipped[at] ^= flip
    assert vrf.verify(KEY.public, alpha, pi) == beta
    assert vrf.verify(KEY.public, alpha, bytes(flipped)) is None
    assert vrf.verify(KEY.public, alpha + b"x", pi) is None
    assert vrf.verify(vrf.VrfKey(bytes(32)).public, alpha, pi) is None
