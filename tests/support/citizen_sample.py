"""A small town's titles and lines, for the tests of the citizen's view."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from consent.vocabulary import BasisKind, Record, RecordState, Subject
from gateway.views.auskunft import Auskunft, JournalLine, Office, Titles
from gateway.views.citizen import fold
from gateway.views.words import Text

NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
SUBJECTS: Final = ("idnr:02468135774", "reg:melderegister:4711")
TITLES: Final = Titles(
    authority=Text("Stadt Musterstadt", "Town of Musterstadt"),
    consumers={
        "wohngeldstelle": Office(
            Text("Wohngeldstelle Musterstadt", "Housing benefit office"), Text("Soziales", "Social services")
        ),
        "buergerportal": Office(Text("Bürgerportal", "Citizens' portal")),
    },
    registers={"melderegister": Office(Text("Melderegister", "Residents' register"))},
    evidence={"residence": Text("Meldebescheinigung", "Residence registration")},
    purposes={"housing-benefit": Text("Prüfung Ihres Antrags", "Checking your application")},
    procedures={"wohngeld-antrag": Text("Wohngeld beantragen", "Apply for housing benefit")},
)


def line(index: int, kind: str, exchange: str | None, *, minutes: int = 0, **more: Any) -> JournalLine:
    """Out: a line of the 24m shard, `minutes` after noon."""
    time = NOON + timedelta(minutes=minutes)
    event: dict[str, Any] = {
        "v": 1,
        "kind": kind,
        "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "consumer": "wohngeldstelle",
        "register": "melderegister",
        "evidence": "residence",
        "purpose": "housing-benefit",
        "procedure": "wohngeld-antrag",
        "case": "WG-1",
    }
    if exchange:
        event["exchange"] = exchange
    return JournalLine("musterstadt.example/24m/2026-11", index, event | more)


def record(**changes: Any) -> Record:
    """Out: a given consent, valid around noon."""
    told: dict[str, Any] = {
        "id": "r1",
        "kind": BasisKind.CONSENT,
        "state": RecordState.GIVEN,
        "revision": 1,
        "subject": Subject(),
        "recipient": "wohngeldstelle",
        "register": "melderegister",
        "evidence": "residence",
        "fields": frozenset({"town", "family_name"}),
        "purpose": "housing-benefit",
        "procedure": "wohngeld-antrag",
        "case": "WG-1",
        "norm": "DSGVO Art. 6",
        "recorded_by": "buergerportal",
        "not_before": NOON - timedelta(days=1),
        "not_after": NOON + timedelta(days=1),
    }
    return Record(**(told | changes))


def auskunft(*lines: JournalLine, records: tuple[Record, ...] = ()) -> Auskunft:
    return fold(lines, records, SUBJECTS, TITLES, START, NOON + timedelta(hours=8))
