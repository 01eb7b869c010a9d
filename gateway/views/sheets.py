"""The tables of an export, as German spreadsheets open them: UTF-8 with byte order mark, semicolons, CRLF."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from datetime import datetime
from io import StringIO
from typing import Any, Final

from gateway.audit.german_time import german_time
from gateway.views.auskunft import Auskunft, Consent, Entry, KeptBack, Named, Power
from gateway.views.words import words

_ACCESSES: Final = (
    "Zeitpunkt (deutsche Zeit)",
    "Ergebnis",
    "Grund",
    "Behörde",
    "Abteilung",
    "Im Auftrag von",
    "Zweck",
    "Verfahren",
    "Aktenzeichen",
    "Register",
    "Nachweis",
    "Grundlage",
    "Rechtsnorm",
    "Entscheidung oder Einwilligung",
    "Weitergegeben",
    "Eingetragen",
    "Nicht weitergegeben oder eingetragen",
    "Rolle",
    "Vertreten",
    "Zurückgehalten bis",
    "Aufbewahrt bis",
    "Vorgang",
    "Stelle im Protokoll",
)
_DECISIONS: Final = (
    "Art",
    "Stand",
    "Empfänger",
    "Zweck",
    "Verfahren",
    "Aktenzeichen",
    "Register",
    "Nachweis",
    "Daten",
    "Rechtsnorm",
    "Gültig ab",
    "Gültig bis",
    "Genutzt",
    "Höchstens",
    "Aufgezeichnet von",
    "Vertreten durch",
    "Folgt auf",
    "Verlauf",
    "Kennung",
)
_FORMULA: Final = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")
"""What a spreadsheet reads as a formula at the start of a cell."""
_INSIDE: Final = re.compile(r"([,;|\t\r\n][\s\"']*)([=+\-@＝＋－＠])")
"""The same where a cell would start if somebody opened the sheet with another separator."""


def accesses(auskunft: Auskunft) -> bytes:
    """Out: every entry, one a row."""
    return _csv(_ACCESSES, (_access(entry) for entry in auskunft.entries))


def decisions(auskunft: Auskunft) -> bytes:
    """Out: every record of choice or consent, then every power, one a row."""
    rows = [_consent(consent) for consent in auskunft.consents]
    return _csv(_DECISIONS, (*rows, *(_power(power) for power in auskunft.powers)))


def _access(entry: Entry) -> tuple[str, ...]:
    handed = _list(entry.handed_over)
    return (
        _sortable(entry.time),
        entry.title.de,
        " ".join(reason.title.de for reason in entry.reasons),
        _name(entry.consumer),
        entry.consumer.part.de if entry.consumer and entry.consumer.part else "",
        _name(entry.on_behalf_of),
        _name(entry.purpose),
        _name(entry.procedure),
        entry.case or "",
        _name(entry.register),
        _name(entry.evidence),
        entry.basis.kind.title.de if entry.basis else "",
        (entry.basis.norm or "") if entry.basis else "",
        (entry.basis.record or "") if entry.basis else "",
        "" if entry.filing else handed,
        handed if entry.filing else "",
        _kept_back(entry.kept_back),
        _name(entry.concerned),
        "ja" if entry.represented else "",
        entry.secrecy.until.isoformat() if entry.secrecy else "",
        entry.kept_until.isoformat() if entry.kept_until else "",
        entry.exchange or "",
        ", ".join(f"{place.origin} Zeile {place.index}" for place in entry.places),
    )


def _consent(consent: Consent) -> tuple[str, ...]:
    return (
        consent.kind.title.de,
        consent.state.title.de,
        _name(consent.recipient),
        _name(consent.purpose),
        _name(consent.procedure),
        consent.case,
        _name(consent.register),
        _name(consent.evidence),
        _list(consent.fields),
        consent.norm,
        _sortable(consent.not_before),
        _sortable(consent.not_after),
        str(consent.uses),
        "" if consent.max_uses is None else str(consent.max_uses),
        _name(consent.recorded_by),
        consent.power or "",
        consent.previous or "",
        _history(consent),
        consent.id,
    )


def _power(power: Power) -> tuple[str, ...]:
    told = {
        "Art": f"{words().text('recorded', 'power').de}: {power.kind.title.de}",
        "Stand": power.state.title.de,
        "Verfahren": _list(power.procedures),
        "Rechtsnorm": power.norm or "",
        "Gültig ab": _sortable(power.not_before),
        "Gültig bis": _sortable(power.not_after),
        "Aufgezeichnet von": _name(power.recorded_by),
        "Verlauf": _history(power),
        "Kennung": power.id,
    }
    return tuple(told.get(column, "") for column in _DECISIONS)


def _history(kept: Consent | Power) -> str:
    return ", ".join(f"{_sortable(step.time)} {step.state.title.de}" for step in kept.steps)


def _csv(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> bytes:
    """Out: RFC 4180, but for the semicolons and the byte order mark."""
    sheet = StringIO(newline="")
    writer: Any = csv.writer(sheet, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return sheet.getvalue().encode("utf-8-sig")


def _harmless(cell: str) -> str:
    """Out: the cell, nowhere read as a formula (OWASP "CSV injection": an apostrophe before it)."""
    guarded = _INSIDE.sub(r"\1'\2", cell)
    return f"'{guarded}" if _FORMULA.match(cell) else guarded


def _sortable(time: datetime) -> str:
    return f"{german_time(time):%Y-%m-%d %H:%M:%S}"


def _name(named: Named | None) -> str:
    return named.title.de if named else ""


def _list(names: Iterable[Named]) -> str:
    return ", ".join(name.title.de for name in names)


def _kept_back(items: Iterable[KeptBack]) -> str:
    """Out: each reason once, after what it keeps back."""
    by_rule: dict[str, list[KeptBack]] = {}
    for item in items:
        by_rule.setdefault(item.rule, []).append(item)
    return "; ".join(
        f"{_list(item.data for item in kept)} ({kept[0].why.de.rstrip('.')})" for kept in by_rule.values()
    )
