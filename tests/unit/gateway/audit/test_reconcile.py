"""Whatever stands in a line of a file of receipts, it is a receipt of ours or told to be none."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from signed import only, published, signer

from gateway import jws
from gateway.audit.receipt import Promise, ReceiptInvalid, claimed, promised
from gateway.audit.reconcile import Difference, receipt_in

HOUSE = signer("gateway-1", 9)
FIND = only(published(HOUSE))
TOWN = "musterstadt.example"
SAID: dict[str, Any] = {
    "v": 1,
    "exchange": "99999999-2222-4333-8444-555555555555",
    "request": "0" * 64,
    "reply": "1" * 64,
    "time": "2026-11-21T12:00:00.000Z",
    "origin": f"{TOWN}/24m/2026-11",
}
TOKEN = jws.sign_compact(rfc8785.dumps(SAID), jws.RECEIPT_TYPE, HOUSE)


def test_a_receipt_is_read_as_it_came_or_from_json() -> None:
    """With a line's end of any system, and whatever else the object holds."""
    for raw in (
        TOKEN,
        f"{TOKEN}\r\n",
        f"  {TOKEN} ",
        json.dumps({"receipt": TOKEN, "type": "evidence.answer"}),
    ):
        said = receipt_in(raw.encode(), FIND, TOWN)
        assert isinstance(said, Promise)
        assert (said.exchange, said.token) == (SAID["exchange"], TOKEN)


def test_a_record_s_receipt_is_no_exchange_s() -> None:
    """The same key signs other things, of other types."""
    other = jws.sign_compact(rfc8785.dumps(SAID), "einmal-record+jws", HOUSE)
    assert receipt_in(other.encode(), FIND, TOWN) is Difference.NOT_OURS


@pytest.mark.parametrize("changed", [{"v": 2}, {"more": "x"}, {"exchange": 3}, {"origin": "nowhere"}])
def test_another_form_is_damaged(changed: dict[str, Any]) -> None:
    """Even under our signature."""
    token = jws.sign_compact(rfc8785.dumps({**SAID, **changed}), jws.RECEIPT_TYPE, HOUSE)
    assert receipt_in(token.encode(), FIND, TOWN) is Difference.DAMAGED


def test_what_a_receipt_claims_is_not_what_it_promises() -> None:
    """Anybody can write one; only the house's signature makes it a promise."""
    payload = urlsafe_b64encode(rfc8785.dumps(SAID)).rstrip(b"=").decode()
    forged = f"e30.{payload}.AAAA"
    assert claimed(forged).exchange == SAID["exchange"]
    with pytest.raises(ReceiptInvalid):
        promised(forged, FIND)
    assert receipt_in(forged.encode(), FIND, TOWN) is Difference.NOT_OURS


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: json.dumps({"receipt": text}).encode())
)
def test_no_line_breaks_the_reading(raw: bytes) -> None:
    """Nothing but a receipt of ours is one."""
    assert isinstance(receipt_in(raw, FIND, TOWN), Difference)


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="ascii"))
def test_a_changed_receipt_is_none(at: int, letter: str) -> None:
    """Any letter of it, unless it is the same one."""
    changed = TOKEN[:at] + letter + TOKEN[at + 1 :]
    said = receipt_in(changed.encode(), FIND, TOWN)
    assert isinstance(said, Promise) == (changed.strip() == TOKEN)
