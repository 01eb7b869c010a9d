"""Data put on file: what steps 6 to 8 of an exchange are for a submission.

A register is written before the journal says so. It writes once for each exchange and remembers which, so that an
exchange that was interrupted in between ends with what happened, whatever has changed since.
"""

from __future__ import annotations

from consent.receive import receive, resumed
from consent.vocabulary import Action, Request, Submission, Submitted
from gateway import outbound
from gateway.house import House
from gateway.outbound.said import Setting
from gateway.stages import Case, Filing, Mandate, Outcome


async def put_on_file(submission: Submission, mandate: Mandate, may_ask: bool, house: House) -> Outcome:
    """In: what was submitted and may be; whether the sender could ask for the same fields. Out: what became of it.

    Raises: Fault.
    """
    register = house.registers[mandate.permit.register]
    did = await register.write(mandate, submission.values, submission.replaces)
    # A crash here leaves the register written: the next attempt finds that it was, and says so.
    outcome = receive(did, mandate.permit, may_ask, mandate.at)
    if not isinstance(outcome, Submitted):
        return outcome
    return _filing(outcome, submission.request, mandate.case, house)


async def as_it_happened(outcome: Outcome, case: Case, request: Request | None, house: House) -> Outcome:
    """In: how an exchange is about to end. Out: the same; but what a register wrote for it before the house was
    interrupted is told as written: it can't be refused any more. Raises: Fault, when the register can't say."""
    resumable = case.attempt > 1 and request is not None and request.action is Action.WRITE
    if not resumable or isinstance(outcome, Filing) or request is None or request.register is None:
        return outcome
    register = house.registers.get(request.register)
    filed = await register.filed(case.exchange) if register is not None else None
    return outcome if filed is None else _filing(resumed(filed, request.register), request, case, house)


def _filing(submitted: Submitted, request: Request, case: Case, house: House) -> Filing:
    message_id, now = house.ids.new(), house.clock.now()
    setting = Setting(case, request.language, request.context, house.languages, message_id, now)
    return Filing(submitted, outbound.receipt(submitted, request, house.policies.current(), setting))
