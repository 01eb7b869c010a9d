"""What the house holds in its ledger, of either sort: decisions (`consent/ledger.py`), powers (`consent/powers.py`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

from consent import ledger
from consent.ledger import Step, Terms, fold, may_follow, read_step
from consent.powers import PowerStep, PowerTerms, fold_power, read_power
from consent.vocabulary import PERMITTING, Held, Record, RecordState

AnyStep: TypeAlias = Step | PowerStep


def read(body: bytes) -> AnyStep:
    """In: an event's bytes. Out: the event. Raises: ValueError, without content, unless they are exactly one."""
    try:
        said = json.loads(body)
        power = isinstance(said, dict) and said.get("kind") == "representation"
    except ValueError:
        raise ValueError("an event that is not JSON") from None
    return read_power(body) if power else read_step(body)


def folded(steps: Sequence[AnyStep], uses: int, authentic: bool) -> Held:
    """In: all events of one record or power in order, its uses, whether the house's receipt over each verified.

    Out: it as it stands. Raises: ValueError when there is no event, or events of both sorts.
    """
    powers = [step for step in steps if isinstance(step, PowerStep)]
    decisions = [step for step in steps if isinstance(step, Step)]
    if powers and decisions:
        raise ValueError("a record is of one sort")
    return fold_power(powers, authentic) if powers else fold(decisions, uses, authentic)


def beginning(terms: Terms | PowerTerms, record: str, by: str, now: datetime) -> AnyStep:
    """In: what was decided, the id it gets, who records it. Out: the record's first event: it is given."""
    said: dict[str, Any] = {name: getattr(terms, name) for name in type(terms).model_fields}
    said |= {"record": record, "revision": 1, "state": RecordState.GIVEN, "time": now, "recorded_by": by}
    model = PowerStep if isinstance(terms, PowerTerms) else Step
    return model.model_construct(**said)


def following(last: AnyStep, state: RecordState, by: str, now: datetime) -> AnyStep | None:
    """In: a record's latest event, the state it is to go to, who records that. Out: the next event, on the same
    terms; None when that state may not follow."""
    if not may_follow(last.state, state):
        return None
    moved = {"state": state, "revision": last.revision + 1, "time": now, "recorded_by": by}
    return last.model_copy(update=moved)


def state_at(item: Held, now: datetime) -> RecordState:
    """Out: its state as people are told it; a power whose time is over has expired, as a decision has."""
    if isinstance(item, Record):
        return ledger.state_at(item, now)
    over = item.state in PERMITTING and now >= item.not_after
    return RecordState.EXPIRED if over else item.state
