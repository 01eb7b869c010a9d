"""What holds for every number, archive and history of a record."""

from __future__ import annotations

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.idnr import check_digit, is_idnr
from consent.ledger import may_follow
from consent.policy import archive, unpack
from consent.vocabulary import PERMITTING, RecordState


@settings(deadline=None)
@given(st.permutations("0123456789"), st.integers(1, 9), st.integers(1, 9), st.integers(0, 10))
def test_one_wrong_digit_is_always_noticed(digits: list[str], twice: int, by: int, place: int) -> None:
    """ISO/IEC 7064 MOD 11,10 finds every single wrong digit."""
    first_ten = "".join([*digits[1:], digits[twice]])
    number = first_ten + str(check_digit(first_ten))
    assert is_idnr(number)
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert not is_idnr(wrong)


NAMES: Final = st.text("abcdefghijklmnopqrstuvwxyz0123456789/._- ", min_size=1, max_size=20)


@settings(deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=60)))
def test_archives_give_back_what_they_hold(files: dict[str, bytes]) -> None:
    """Whatever the bytes, also ones that look like an archive's own."""
    assert unpack(archive(files)) == files


@settings(deadline=None)
@given(st.lists(st.sampled_from(RecordState), max_size=8))
def test_no_way_leads_back_from_an_ending(states: list[RecordState]) -> None:
    """Along every allowed way, a record that was ended never permits again."""
    before: RecordState | None = None
    ended = False
    for after in states:
        if may_follow(before, after):
            before = after
            ended = ended or after in {RecordState.WITHDRAWN, RecordState.REVOKED, RecordState.INVALIDATED}
        assert not (ended and before in PERMITTING)
