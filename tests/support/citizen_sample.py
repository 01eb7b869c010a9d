"""A small town's titles and lines, for the tests of the citizen's view; and one report with every kind of entry."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from consent.held import AnyStep
from consent.ledger import Authentication, Named, Notice, Step
from consent.powers import PowerStep
from consent.vocabulary import BasisKind, Power, Record, RecordState, Subject
from gateway.views.auskunft import Auskunft, JournalLine, Kept, Office, Titles
from gateway.views.citizen import fold
from gateway.views.words import Text

NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
SUBJECTS: Final = ("idnr:02468135774", "reg:melderegister:4711")
ANNA: Final = Named(idnr="02468135774", birth_date=date(1990, 4, 1))
BERTA: Final = Named(family_name="Vertreterin", given_name="Berta", birth_date=date(1960, 2, 3))
TITLES: Final = Titles(
    authority=Text("Stadt Musterstadt", "Town of Musterstadt"),
    consumers={
        "wohngeldstelle": Office(
            Text("Wohngeldstelle Musterstadt", "Housing benefit office"), Text("Soziales", "Social services")
        ),
        "kitaverwaltung": Office(
            Text("Kita-Verwaltung Musterstadt", "Day-care administration"), Text("Jugendamt", "Youth office")
        ),
        "buergerportal": Office(Text("Bürgerportal", "Citizens' portal")),
    },
    registers={
        "melderegister": Office(
            Text("Melderegister", "Residents' register"), Text("Bürgeramt Musterstadt", "Citizens' office")
        ),
        "personenstandsregister": Office(
            Text("Personenstandsregister", "Civil status register"), Text("Standesamt", "Registry office")
        ),
    },
    evidence={
        "residence": Text("Meldebescheinigung", "Residence registration"),
        "birth": Text("Geburtsurkunde", "Birth certificate"),
        "household": Text("Haushaltsbescheinigung", "Household certificate"),
        "vehicle-keeper": Text("Fahrzeughalter-Nachweis", "Proof of vehicle keeper"),
    },
    purposes={
        "housing-benefit": Text("Prüfung Ihres Antrags auf Wohngeld", "Checking your application"),
        "day-care": Text("Vergabe eines Kita-Platzes", "Giving a day-care place"),
    },
    procedures={
        "wohngeld-antrag": Text("Wohngeld beantragen", "Apply for housing benefit"),
        "kita-anmeldung": Text("Kind für eine Kita anmelden", "Register a child for day care"),
    },
    filing=frozenset({"umzug-eintragen"}),
    secrecy={"steuer-pruefung": "AO § 93 Abs. 9"},
)


def line(index: int, kind: str, exchange: str | None, *, minutes: int = 0, **more: Any) -> JournalLine:
    """Out: a line of the 24m shard, `minutes` after noon. None leaves a key out."""
    time = NOON + timedelta(minutes=minutes)
    event: dict[str, Any] = {
        "v": 1,
        "kind": kind,
        "time": stamp(time),
        "consumer": "wohngeldstelle",
        "register": "melderegister",
        "evidence": "residence",
        "purpose": "housing-benefit",
        "procedure": "wohngeld-antrag",
        "case": "WG-1",
        "exchange": exchange,
    }
    told = {key: value for key, value in (event | more).items() if value is not None}
    return JournalLine("musterstadt.example/24m/2026-11", index, told)


def stamp(time: datetime) -> str:
    """Out: a time as an event has it."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- records and powers ---------------------------------------------------------------------------------------
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
        "authentic": True,
    }
    return Record(**(told | changes))


def power(**changes: Any) -> Power:
    """Out: a power of attorney for one procedure, valid around noon."""
    told: dict[str, Any] = {
        "id": "p1",
        "state": RecordState.GIVEN,
        "revision": 1,
        "subject": Subject(),
        "representative": BERTA.subject(),
        "proof": "power-of-attorney",
        "recorded_by": "buergerportal",
        "not_before": NOON - timedelta(days=2),
        "not_after": NOON + timedelta(days=300),
        "procedures": frozenset({"wohngeld-antrag"}),
        "authentic": True,
    }
    return Power(**(told | changes))


def decided(state: RecordState, revision: int = 1, *, minutes: int = 0, **changes: Any) -> Step:
    """Out: the ledger's event of `record()`, `minutes` after noon."""
    told: dict[str, Any] = {
        "record": "r1",
        "revision": revision,
        "state": state,
        "time": NOON + timedelta(minutes=minutes),
        "kind": BasisKind.CONSENT,
        "subject": ANNA,
        "controller": "Stadt Musterstadt",
        "recipient": "wohngeldstelle",
        "register": "melderegister",
        "evidence": "residence",
        "fields": frozenset({"town", "family_name"}),
        "purpose": "housing-benefit",
        "procedure": "wohngeld-antrag",
        "case": "WG-1",
        "norm": "DSGVO Art. 6",
        "notice": Notice(version="3", sha256="0" * 64, language="de"),
        "channel": "counter",
        "authentication": Authentication(level="substantial", event="eID"),
        "not_before": NOON - timedelta(days=1),
        "not_after": NOON + timedelta(days=1),
        "recorded_by": "buergerportal",
    }
    return Step(**(told | changes))


def empowered(state: RecordState, revision: int = 1, *, minutes: int = 0, **changes: Any) -> PowerStep:
    """Out: the ledger's event of `power()`, `minutes` after noon."""
    told: dict[str, Any] = {
        "record": "p1",
        "revision": revision,
        "state": state,
        "time": NOON + timedelta(minutes=minutes),
        "kind": "representation",
        "subject": ANNA,
        "representative": BERTA,
        "proof": "power-of-attorney",
        "procedures": frozenset({"wohngeld-antrag"}),
        "norm": "BGB § 167",
        "authentication": Authentication(level="substantial", event="eID"),
        "not_before": NOON - timedelta(days=2),
        "not_after": NOON + timedelta(days=300),
        "recorded_by": "buergerportal",
    }
    return PowerStep(**(told | changes))


def kept(held: Record | Power, *steps: AnyStep) -> Kept:
    return Kept(held, steps)


def auskunft(*lines: JournalLine, records: tuple[Record, ...] = (), held: tuple[Kept, ...] = ()) -> Auskunft:
    """Out: the report over these lines, with records of which the ledger tells no steps, and with what it holds."""
    known = (*(kept(one) for one in records), *held)
    return fold(lines, known, SUBJECTS, TITLES, START, NOON + timedelta(hours=8))


# --- everything at once ---------------------------------------------------------------------------------------
CHOICE: Final = {"kind": "choice", "norm": "EGovG § 5", "record": "r2", "revision": 1}
CONSENT: Final = {"kind": "consent", "norm": "DSGVO Art. 6 Abs. 1 Buchst. a", "record": "r1", "revision": 1}
LAW: Final = {"kind": "statutory", "norm": "WoGG § 23"}
MOVE: Final = ["street", "house_number", "postcode", "town", "moved_in"]
_DAY: Final = -1440


def every_kind() -> tuple[tuple[JournalLine, ...], tuple[Kept, ...]]:
    """Out: lines with everything that can happen to a person, and what the ledger holds about her."""
    represented = {"facts": {"representation": "passed"}}
    blocked = {"facts": {"hold": "failed"}}
    birth = {
        "consumer": "kitaverwaltung",
        "register": "personenstandsregister",
        "evidence": "birth",
        "purpose": "day-care",
        "procedure": "kita-anmeldung",
        "case": "KT-7",
    }
    no_exchange = {"purpose": None, "procedure": None, "case": None, "evidence": None, "register": None}
    lines = (
        line(
            1, "submitted", "s1", minutes=9 * _DAY, requested=MOVE, basis=LAW, grant="umzug-eintragen",
            concerned="subject", consumer="buergerportal", case="UM-1",
        ),
        line(
            2, "submitted", "s2", minutes=8 * _DAY, requested=MOVE, basis=LAW, grant="umzug-eintragen",
            reasons=["already-on-file"], concerned="subject", consumer="buergerportal", case="UM-1",
        ),
        line(
            3, "refused", "s3", minutes=8 * _DAY + 5, requested=["street"], basis=LAW, reasons=["conflict"],
            grant="umzug-eintragen", concerned="subject", consumer="buergerportal", case="UM-1",
        ),
        line(
            4, "refused", "s4", minutes=8 * _DAY + 9, requested=["religion"], grant="umzug-eintragen",
            reasons=["fields-not-permitted"], consumer="buergerportal", case="UM-1",
        ),
        line(5, "asked", "a1", minutes=7 * _DAY, requested=["family_name", "town", "religion"], basis=CHOICE),
        line(
            6, "answered", "a1", minutes=7 * _DAY + 1, requested=["family_name", "town", "religion"],
            released=["family_name", "town"], removed=[{"field": "religion", "rule": "grant"}], basis=CHOICE,
            concerned="subject", on_behalf_of="kitaverwaltung", **represented,
        ),
        line(
            7, "answered", "a2", minutes=6 * _DAY, released=["member_given_names", "member_birth_date"],
            requested=["member_given_names", "member_birth_date", "household_size"], basis=LAW,
            evidence="household", concerned="household-member",
        ),
        line(
            8, "answered", "a3", minutes=6 * _DAY + 7, basis=CONSENT | {"record": "r9"}, concerned="parent",
            requested=["family_name", "parent1_family_name"], released=["family_name", "parent1_family_name"],
            **birth,
        ),
        line(
            9, "answered", "a4", minutes=5 * _DAY, basis=LAW, evidence="vehicle-keeper", register="fahrzeugregister",
            requested=["vehicle_plate", "engine_power"], released=["vehicle_plate", "engine_power"],
            concerned="subject", on_behalf_of="zulassung-nachbarstadt",
        ),
        line(10, "refused", "n1", minutes=4 * _DAY, requested=["religion"], reasons=["fields-not-permitted"]),
        line(11, "no-data", "n2", minutes=4 * _DAY + 3, requested=["town"], basis=LAW, reasons=["no-data"],
             concerned="subject", **blocked),
        line(12, "dead", "n3", minutes=4 * _DAY + 4, requested=["town"], basis=LAW,
             reasons=["register-unavailable"]),
        line(13, "expired", "n4", minutes=3 * _DAY, requested=["town"], reasons=["deadline-passed"]),
        line(14, "asked", "o1", minutes=3 * _DAY + 2, requested=["town"], basis=LAW),
        line(
            15, "released", "x1", minutes=0, grant="steuer-pruefung", basis=LAW | {"norm": "AO § 93"},
            requested=["town"], released=["town"], concerned="subject",
            times={"answered": stamp(NOON - timedelta(days=90))},
        ),
        line(16, "read.by", "l1", minutes=2 * _DAY, consumer="buergerportal", **no_exchange),
        line(17, "export.made", None, minutes=2 * _DAY + 9, consumer=None, **no_exchange),
        line(18, "consent.given", "c1", minutes=-60, consumer="buergerportal", basis=CONSENT,
             requested=["family_name", "town"]),
        line(19, "consent.withdrawn", None, minutes=-30, basis=CONSENT | {"revision": 2}, actor="sb-17"),
        line(20, "consent.given", None, minutes=-20, basis=CONSENT | {"record": "gone"}, requested=["town"]),
        line(21, "consent.given", "p", minutes=-90, consumer="buergerportal", basis={"record": "p1", "revision": 1},
             **no_exchange),
        line(22, "consent.withdrawn", None, minutes=-10, consumer=None, basis={"record": "gone-power", "revision": 2},
             **no_exchange),
        JournalLine("musterstadt.example/24m/2026-10", 5, None, "erased: IDNrG § 9"),
    )  # fmt: skip
    choice = record(
        id="r2",
        kind=BasisKind.CHOICE,
        max_uses=3,
        uses=1,
        representative="p1",
        previous="r1",
        norm="EGovG § 5",
    )
    ledger = (
        kept(
            record(state=RecordState.WITHDRAWN, revision=2),
            decided(RecordState.GIVEN, minutes=-60, recipient_keeps_days=30),
            decided(RecordState.WITHDRAWN, 2, minutes=-30, recorded_by="sb-17"),
        ),
        kept(choice, decided(RecordState.GIVEN, minutes=8 * _DAY, record="r2", kind=BasisKind.CHOICE)),
        kept(record(id="r3", max_uses=1, uses=1)),
        kept(record(id="r4", not_after=NOON)),
        kept(power(), empowered(RecordState.GIVEN, minutes=-90)),
        kept(
            power(id="p2", proof="guardianship", procedures=None, state=RecordState.REVOKED),
            empowered(RecordState.GIVEN, minutes=-99, record="p2", proof="guardianship", recorded_by="sb-17"),
            empowered(
                RecordState.REVOKED, 2, minutes=-98, record="p2", proof="guardianship", recorded_by="sb-17"
            ),
        ),
    )
    return lines, ledger


def everything() -> Auskunft:
    """Out: the report over `every_kind`."""
    lines, ledger = every_kind()
    return auskunft(*lines, held=ledger)
