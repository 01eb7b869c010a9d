"""What the person decided, and who may act for them: records and powers with their history (DOMAIN.md 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from consent import vocabulary
from consent.held import AnyStep
from consent.ledger import Step as Decided
from consent.ledger import state_at
from consent.powers import PowerStep
from consent.vocabulary import PERMITTING, Held, Record, RecordState
from gateway.views import lines
from gateway.views.auskunft import Consent, JournalLine, Kept, Named, Power, Step
from gateway.views.naming import Names

Lines: TypeAlias = Mapping[str, Sequence[JournalLine]]
_NOT_YET: Final = "not-yet"
_NOT_AUTHENTIC: Final = "not-authentic"
_POWER_ENDED: Final = "power-ended"
NOT_STANDING: Final = (_NOT_YET, _NOT_AUTHENTIC, _POWER_ENDED)
"""How something given does not count all the same, as the law would see it (`consent/conditions.py`)."""


def consents(kept: Sequence[Kept], told: Lines, names: Names, now: datetime) -> tuple[Consent, ...]:
    """In: everything kept, the lines of its steps by what they are steps of. Out: every record, the newest first."""
    powers = {item.held.id: item.held for item in kept if isinstance(item.held, vocabulary.Power)}
    found = [
        _consent(item.held, item.steps, told.get(item.held.id, ()), powers, names, now)
        for item in kept
        if isinstance(item.held, Record)
    ]
    return tuple(sorted(found, key=_newest))


def powers(kept: Sequence[Kept], told: Lines, names: Names, now: datetime) -> tuple[Power, ...]:
    """In: as `consents`. Out: every power to act for the person, the newest first."""
    found = [
        _power(item.held, item.steps, told.get(item.held.id, ()), names, now)
        for item in kept
        if isinstance(item.held, vocabulary.Power)
    ]
    return tuple(sorted(found, key=_newest))


def _consent(
    record: Record,
    steps: Sequence[AnyStep],
    told: Sequence[JournalLine],
    powers: Mapping[str, vocabulary.Power],
    names: Names,
    now: datetime,
) -> Consent:
    state, valid = _standing(record, powers, names, now)
    decided = [step for step in steps if isinstance(step, Decided)]
    terms = next((step for step in reversed(decided) if step.state in PERMITTING), None)
    terms = terms or (decided[-1] if decided else None)
    return Consent(
        id=record.id,
        kind=names.word("basis", record.kind),
        state=state,
        valid=valid,
        recipient=names.consumer(record.recipient),
        register=names.register(record.register),
        evidence=names.evidence(record.evidence),
        fields=names.data(record.fields),
        purpose=names.purpose(record.purpose),
        procedure=names.procedure(record.procedure),
        case=record.case,
        norm=record.norm,
        channel=names.word("channel", terms.channel) if terms else None,
        notice=terms.notice.version if terms else None,
        recorded_by=names.recorder(record.recorded_by, _by_message(record.recorded_by, told)),
        not_before=record.not_before,
        not_after=record.not_after,
        uses=record.uses,
        max_uses=record.max_uses,
        recipient_keeps_days=terms.recipient_keeps_days if terms else None,
        power=record.representative,
        previous=record.previous,
        steps=_history(steps, told, "step", names),
    )


def _power(
    power: vocabulary.Power,
    steps: Sequence[AnyStep],
    told: Sequence[JournalLine],
    names: Names,
    now: datetime,
) -> Power:
    state, valid = _standing(power, {}, names, now)
    terms = next((step for step in reversed(steps) if isinstance(step, PowerStep)), None)
    return Power(
        id=power.id,
        kind=names.word("proof", power.proof),
        state=state,
        valid=valid,
        procedures=tuple(names.procedure(code) for code in sorted(power.procedures or ())),
        norm=terms.norm if terms else None,
        recorded_by=names.recorder(power.recorded_by, _by_message(power.recorded_by, told)),
        not_before=power.not_before,
        not_after=power.not_after,
        ending=names.words.text("proof_end", power.proof),
        steps=_history(steps, told, "power_step", names),
    )


def _standing(
    held: Held, powers: Mapping[str, vocabulary.Power], names: Names, now: datetime
) -> tuple[Named, bool]:
    """Out: how it stands now, in words, and whether anything may rest on it. What is expired or used up is computed;
    what was given and does not count says why."""
    state = _state(held, now)
    if state not in PERMITTING:
        return names.word("state", state), False
    under = powers.get(held.representative or "") if isinstance(held, Record) else None
    if not held.authentic:
        return names.word("state", _NOT_AUTHENTIC), False
    if under is not None and not _standing(under, {}, names, now)[1]:
        return names.word("state", _POWER_ENDED), False
    if now < held.not_before:
        return names.word("state", _NOT_YET), False
    return names.word("state", state), True


def _state(held: Held, now: datetime) -> RecordState:
    if isinstance(held, Record):
        return state_at(held, now)
    ended = held.state in PERMITTING and now >= held.not_after
    return RecordState.EXPIRED if ended else held.state


def _history(
    steps: Sequence[AnyStep], told: Sequence[JournalLine], section: str, names: Names
) -> tuple[Step, ...]:
    """Out: every step, oldest first: as the ledger has it, with the journal's line where the person has one. A line
    without its event is told all the same."""
    left = list(told)
    history: list[Step] = []
    for step in steps:
        line = next((line for line in left if _tells(line, step)), None)
        if line is not None:
            left.remove(line)
        history.append(
            Step(
                state=names.word(section, step.state),
                time=step.time,
                recorded_by=names.recorder(step.recorded_by, _by_message(step.recorded_by, told)),
                until=step.not_after if step.state in PERMITTING else None,
                place=lines.place(line) if line else None,
            )
        )
    history += [
        Step(
            state=names.word(section, lines.kind(line).removeprefix(lines.CONSENT)),
            time=lines.time(line),
            recorded_by=_sender(line, names),
            until=None,
            place=lines.place(line),
        )
        for line in left
    ]
    return tuple(sorted(history, key=lambda step: step.time))


def _tells(line: JournalLine, step: AnyStep) -> bool:
    revision = lines.basis(lines.event(line)).get("revision")
    return revision == step.revision and lines.kind(line) == f"{lines.CONSENT}{step.state}"


def _sender(line: JournalLine, names: Names) -> Named | None:
    """Out: who recorded it by message. Where it came otherwise, the line names whom it is for."""
    said = lines.event(line)
    return names.consumer(said["consumer"]) if "exchange" in said and "consumer" in said else None


def _by_message(recorder: str, told: Sequence[JournalLine]) -> bool:
    senders = (lines.event(line).get("consumer") for line in told if "exchange" in lines.event(line))
    return recorder in senders


def _newest(told: Consent | Power) -> tuple[float, str]:
    return (-told.not_before.timestamp(), told.id)
