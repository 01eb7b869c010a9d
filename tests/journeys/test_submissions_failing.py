"""A fault reported for a submission, whether it was written or not, ends as it happened and is written once."""

from __future__ import annotations

import pytest
from law_changes import edit, takes_over
from odd_register import Done, Texts, Write, guarded
from peopled import ORDINARY
from submitting import LANGUAGES, entries, said, submits
from town import Town

from gateway.errors import RegisterProtocol, RegisterTimeout, RegisterUnavailable
from gateway.exchange import handle
from gateway.ports import Register
from gateway.stages import Mandate, Postponed, Reply


def failing(fault: Exception, after: bool) -> Write:
    """Out: a register that reports a fault once, having written or not."""
    left = [fault]

    async def write(mandate: Mandate, values: Texts, replaces: Texts, real: Register) -> Done:
        if not left:
            return await real.write(mandate, values, replaces)
        if after:
            await real.write(mandate, values, replaces)
        raise left.pop()

    return write


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fault", [RegisterTimeout, RegisterUnavailable])
@pytest.mark.parametrize("after", [False, True], ids=["not written", "written"])
async def test_a_curable_fault_is_cured_to_one_receipt(
    town: Town, fault: type[Exception], after: bool, language: str, exceptions_watched: object
) -> None:
    """Not persisted, or persisted and reported failed: put off, tried again, written once."""
    request = await submits(town, ORDINARY, language)
    writes = failing(fault("melderegister"), after)
    house, doors = guarded(town.opened.house, town.opened.store, writes=writes)
    assert isinstance(await handle(town.delivery(request), house), Postponed)
    town.clock.passes(minutes=1)
    result = await handle(town.delivery(request, attempt=2), house)
    assert isinstance(result, Reply)
    told = said(result.message)
    assert (told["outcome"], "since" in told) == ("recorded", False)
    assert told["recorded"][:16] == ("2026-11-21T20:15" if after else "2026-11-21T20:16")
    assert len(doors["melderegister"].touched) == 2
    assert len(entries(town.root)) == 1


@pytest.mark.parametrize("after", [False, True], ids=["not written", "written"])
@pytest.mark.parametrize(
    "fault",
    [RegisterProtocol("melderegister"), LookupError("nobody foresaw this")],
    ids=["a fault", "a mistake"],
)
async def test_a_fault_for_good_ends_as_it_happened(town: Town, fault: Exception, after: bool) -> None:
    """No retry would help, and the register is asked all the same what it did."""
    request = await submits(town, ORDINARY)
    house, _ = guarded(town.opened.house, town.opened.store, writes=failing(fault, after))
    result = await handle(town.delivery(request), house)
    assert isinstance(result, Reply)
    assert result.message.type == ("submit.receipt" if after else "submit.failure")
    assert len(entries(town.root)) == after


async def test_words_that_fail_do_not_deny_what_was_written(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receipt that its language can't say is said in JSON."""
    edit(town, "registers/melderegister.toml", 'de = "Bürgeramt Musterstadt"', 'de = "漢字"')
    await takes_over(town)
    result = await handle(town.delivery(await submits(town, ORDINARY, "xeinmal/1.0")), town.opened.house)
    assert isinstance(result, Reply)
    assert (result.message.type, result.message.content_type) == ("submit.receipt", "application/json")
    assert said(result.message)["outcome"] == "recorded"
