"""Data put on file: what steps 6 to 8 of an exchange are for a submission.

A register is written before the journal says so. It writes once for each exchange and remembers which, so that an
exchange that was interrupted in between ends with what happened, whatever has changed since.
"""

from __future__ import annotations

from consent.receive import receive, resumed
from consent.vocabulary import Request, Submission, Submitted
from gateway import outbound
from gateway.errors import FaultCode, RegisterUnavailable
from gateway.house import House
from gateway.outbound.said import Setting
from gateway.stages import Case, Failure, Filing, Heard, Mandate, Outcome


async def put_on_file(submission: Submission, mandate: Mandate, may_ask: bool, house: House) -> Outcome:
    """In: what was submitted and may be; whether the sender could ask for the same fields. Out: what became of it.

    Raises: Fault.
    """
    register = house.registers[mandate.permit.register]
    with house.measures.register(mandate.permit.register):
        did = await register.write(mandate, submission.values, submission.replaces)
    # A crash here leaves the register written: the next attempt finds that it was, and says so.
    outcome = receive(did, mandate.permit, may_ask, mandate.at)
    if not isinstance(outcome, Submitted):
        return outcome
    return _filing(outcome, submission.request, mandate.case, house)


async def as_it_happened(outcome: Outcome, case: Case, heard: Heard, house: House) -> Outcome:
    """In: how an exchange is about to end. Out: the same; but what a register wrote for it is told as written,
    whatever has gone wrong since: it can't be refused any more. Raises: Fault, when the register can't say.
    """
    if isinstance(outcome, Filing) or not _may_be_written(outcome, case, heard):
        return outcome
    request = heard.request
    if request is None or request.register is None:  # the law has changed so that it can't be read any more
        return Failure(FaultCode.INTERNAL, "ours", "submission")
    register = house.registers.get(request.register)
    if register is None:
        raise RegisterUnavailable(request.register)
    with house.measures.register(request.register):
        filed = await register.filed(case.exchange)
    return outcome if filed is None else _filing(resumed(filed, request.register), request, case, house)


def _may_be_written(outcome: Outcome, case: Case, heard: Heard) -> bool:
    """Out: whether a register may have written what nobody was told: for an earlier attempt, or for this one before
    it failed. What the register itself says to the first attempt is so."""
    begun = case.attempt > 1 or (heard.mandate is not None and isinstance(outcome, Failure))
    return begun and heard.about == "submit"


def _filing(submitted: Submitted, request: Request, case: Case, house: House) -> Filing:
    message_id, now = house.ids.new(), house.clock.now()
    setting = Setting(case, request.language, request.context, house.languages, message_id, now)
    return Filing(submitted, outbound.receipt(submitted, request, house.policies.current(), setting))
