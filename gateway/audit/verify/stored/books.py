"""The tables beside the lines, held against what the lines say: exchanges, uses, releases, records, policies.

They decide what is answered tomorrow. Whoever takes a withdrawal out of them, or gives a used decision back, has to
change the lines as well. Not held against anything: when a reply is forgotten and when the bus confirmed it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from consent import held
from consent.held import AnyStep
from consent.ledger import Step
from gateway.audit import labels
from gateway.audit.record import ONLY_HOUSE, EventInvalid, Kind, ends, from_bytes
from gateway.audit.retention import Rule
from gateway.audit.shard import Origin
from gateway.audit.verify.stored.columns import Wrong
from gateway.audit.verify.stored.grounds import Grounds
from gateway.audit.verify.stored.holding import Holds
from gateway.audit.verify.stored.releases import Releases
from gateway.audit.verify.stored.tables import Books, ExchangeRow, House, RecordEventRow, StoredEvent


@dataclass(slots=True)
class _Told:
    """What the lines say of an exchange."""

    consumer: str
    message: str | None
    digest: str | None
    retention: str
    attempt: int = 0
    record: str | None = None
    kind: str | None = None
    reply: str | None = None
    asked: bool = False
    """Its first line was heard."""
    late: bool = True
    """Nothing was heard but what was told on its day."""


def check_books(books: Books, house: House) -> list[Wrong]:
    """Out: every place that does not fit the lines.

    What erased or damaged lines said is not known: what only they could tell is passed over.
    """
    return _Books(books, house).run()


class _Books:
    def __init__(self, books: Books, house: House) -> None:
        self._books, self._house = books, house
        self._releases, self._holds, self._grounds = Releases(), Holds(), Grounds()
        self._told: dict[str, _Told] = {}
        self._steps: dict[tuple[str, int], Mapping[str, Any]] = {}
        self._policy: tuple[str, str] | None = None
        self._erased = books.gone
        self._waiting: set[str] = set()
        self._newest = datetime.min.replace(tzinfo=UTC)
        """Of the lines; none is later than its shard's month."""
        self._wrong: list[Wrong] = []

    def run(self) -> list[Wrong]:
        for line in self._books.lines:
            told = _opened(line.leaf, line.salt, line.event)
            if told is None:
                self._erased = True
                self._grounds.erased(line.retention, _of_house(line))
            elif self._is_true(line, told):
                self._hear(line.retention, told)
                self._grounds.hear(line.origin, line.retention, told)
        releases = list(self._books.releases)
        self._waiting = {row.exchange for row in releases}
        self._exchanges()
        self._uses()
        ended = {exchange: told.kind for exchange, told in self._told.items()}
        self._wrong += self._releases.check(releases, self._house.release, ended, self._erased)
        self._records()
        self._policies()
        self._wrong += self._grounds.check()
        self._wrong += self._holds.check(
            self._books.holds,
            self._books.held,
            self._house.hold,
            self._house.held,
            lambda written: self._may_be_gone(written, self._books.house),
        )
        return self._wrong

    def _is_true(self, line: StoredEvent, said: Mapping[str, Any]) -> bool:
        """Out: whether the house wrote it, where that can be told (`verify_log` names it otherwise)."""
        if said["kind"] in ONLY_HOUSE and not labels.by_house(
            self._house.seal(line.origin), line.salt, line.event
        ):
            return False
        if "time" in said:
            with suppress(ValueError):  # no origin of a shard: `verify_log` names it
                end = Origin.parse(line.origin).end
                self._newest = max(self._newest, min(datetime.fromisoformat(said["time"]), end))
        return True

    def _may_be_gone(self, written: datetime, rule: Rule | None) -> bool:
        """Out: whether a line of that moment was due to be erased when the newest line was written."""
        return rule is not None and rule.may_be_gone(written, self._newest)

    def _hear(self, retention: str, said: Mapping[str, Any]) -> None:
        kind, digests = said.get("kind"), said.get("digests") or {}
        if kind == Kind.POLICY_LOADED and "policy" in digests and said["time"] >= (self._policy or ("",))[0]:
            self._policy = said["time"], digests["policy"]
        basis = said.get("basis") or {}
        if str(kind).startswith("consent."):
            self._steps[basis["record"], basis["revision"]] = said
        self._releases.hear(said)
        self._holds.hear(said)
        if "exchange" in said:
            self._hear_exchange(retention, said, basis, digests)

    def _hear_exchange(
        self, retention: str, said: Mapping[str, Any], basis: Mapping[str, Any], digests: Mapping[str, Any]
    ) -> None:
        told = self._told.setdefault(
            said["exchange"],
            _Told(said.get("consumer") or "", said.get("message"), digests.get("request"), retention),
        )
        told.digest = told.digest or digests.get("request")
        told.attempt = max(told.attempt, said.get("attempt") or 0)
        told.late = told.late and said["kind"] == Kind.RELEASED
        if said["kind"] == Kind.ASKED:
            told.asked = True
            told.record = basis.get("record") or told.record
        if ends(said["kind"], by_message=True):
            told.kind, told.reply = said["kind"], digests.get("reply")

    # --- exchanges and uses ------------------------------------------------------------------------------------
    def _exchanges(self) -> None:
        seen: set[str] = set()
        others: list[ExchangeRow] = []
        owners: dict[tuple[str, str], list[str]] = {}
        for row in self._books.exchanges:
            seen.add(row.exchange)
            own = owners.setdefault((row.consumer, row.message_id), [])
            if row.secondary == 0:
                own.append(row.exchange)
            else:
                others.append(row)
            told = self._told.get(row.exchange)
            if told is None:
                if not (self._erased and self._remains(row)):
                    self._add("exchange", row.exchange, "exchange", "no line speaks of it")
                continue
            if not (self._erased and told.late):
                self._exchange(row, told)
        for row in others:
            if row.secondary != 1 or not owners[row.consumer, row.message_id]:
                self._add("exchange", row.exchange, "secondary", "its message id is no other body's")
        for doubled in (own for own in owners.values() if len(own) > 1):
            self._add("exchange", " ".join(doubled), "secondary", "a message id belongs to one body")
        for exchange in self._told.keys() - seen:
            if self._erased and self._told[exchange].late:
                continue
            self._add("exchange", exchange, "exchange", "lines speak of it, and it is not there")

    def _remains(self, row: ExchangeRow) -> bool:
        """Out: whether a row may be there without its lines: in flight; with something still to be told; or bare, for
        the use it made of a decision."""
        bare = (row.consumer, row.message_id, row.digest) == ("", row.exchange, "")
        return row.kind is None or row.exchange in self._waiting or (bare and row.kind == "erased")

    def _exchange(self, row: ExchangeRow, told: _Told) -> None:
        message = told.message or (row.message_id if told.consumer else told.digest)
        for column, kept, said in (
            ("consumer", row.consumer, told.consumer),
            ("message_id", row.message_id, message),
            ("digest", row.digest, told.digest),
            ("retention", row.retention, told.retention),
            ("attempt", row.attempt, told.attempt),
            ("record", row.record, told.record),
            ("kind", row.kind, told.kind),
        ):
            unheard = column == "record" and self._erased and not told.asked
            if kept != said and not (said is None and (column == "digest" or unheard)):
                self._add("exchange", row.exchange, column, "not what its lines say")
        if row.reply is not None and self._house.reply(row.exchange, row.reply) != told.reply:
            self._add("exchange", row.exchange, "reply", "not the reply its line speaks of")

    def _uses(self) -> None:
        due = {
            (told.record, exchange): "reserved" if told.kind is None else "consumed"
            for exchange, told in self._told.items()
            if told.record is not None and told.kind in (None, Kind.ANSWERED, Kind.SUBMITTED)
        }
        for record, exchange, state in self._books.uses:
            said = due.pop((record, exchange), None)
            if said is None and not self._erased:
                self._add("use", f"{record} {exchange}", "record, exchange", "no line speaks of this use")
            elif said is not None and said != state:
                self._add("use", f"{record} {exchange}", "state", f"it is {said}")
        for record, exchange in due:
            self._add("use", f"{record} {exchange}", "record, exchange", "the use is missing")

    # --- records -------------------------------------------------------------------------------------------------
    def _records(self) -> None:
        steps: dict[str, list[AnyStep]] = {}
        for row in self._books.record_events:
            step = self._step(row)
            if step is not None:
                steps.setdefault(row.record, []).append(step)
        for record, revision in self._steps:
            self._add(
                "record_event",
                f"{record} {revision}",
                "record, revision",
                "a line speaks of it: it is missing",
            )
        for record, revision, state, recipient, case in self._books.records:
            known = steps.get(record)
            last = known[-1] if known else None
            kept = (revision, state, recipient, case)
            if last is None or kept != _row(last):
                columns = ("record",) if last is None else _different(kept, last)
                self._add("record", record, ", ".join(columns), "not what its events say")
        self._subjects(steps)

    def _step(self, row: RecordEventRow) -> AnyStep | None:
        """Out: the step a row holds; None, and named, when it holds none."""
        key = f"{row.record} {row.revision}"
        said = self._steps.pop((row.record, row.revision), None)
        if not self._house.vouched(row.receipt, row.body, said["time"] if said else None):
            self._add("record_event", key, "body, receipt", "not signed by the house")
            return None
        step = held.read(row.body)
        if (step.record, step.revision, step.state) != (row.record, row.revision, row.state):
            self._add("record_event", key, "record, revision, state", "not what was signed")
        elif said is None:  # in which class its line stood, nothing else tells
            if not any(self._may_be_gone(step.time, rule) for rule in self._books.rules):
                self._add("record_event", key, "body", "no line speaks of it")
        elif not _is_told(step, said):
            self._add("record_event", key, "body", "not what its line says")
        return step

    def _subjects(self, steps: Mapping[str, Sequence[AnyStep]]) -> None:
        due = {
            (record, form): self._house.named(parts)
            for record, known in steps.items()
            for form, parts in held.folded(known, 0, True).subject.forms().items()
        }
        for record, form, name in self._books.record_subjects:
            said = due.pop((record, form), None)
            if said != name:
                column = "record, form" if said is None else "name"
                self._add("record_subject", record, column, "not what the record's events say")
        for record, _ in due:
            self._add("record_subject", record, "record, form", "a way of naming the person is missing")

    # --- policies --------------------------------------------------------------------------------------------------
    def _policies(self) -> None:
        known: set[str] = set()
        for digest, archive in self._books.policies:
            known.add(digest)
            if sha256(archive).hexdigest() != digest:
                self._add("policy", digest, "hash, archive", "not the archive of this hash")
        for one, digest in self._books.current:
            if one != 1:
                self._add("current_policy", str(one), "one", "there is one current policy")
            if digest not in known or (self._policy is not None and digest != self._policy[1]):
                self._add("current_policy", str(one), "hash", "not the policy that was loaded last")
        if self._policy is not None and not self._books.current:
            self._add("current_policy", "1", "one", "the current policy is missing")

    def _add(self, table: str, key: str, column: str, text: str) -> None:
        self._wrong.append(Wrong(table, key, column, text))


def _is_told(step: AnyStep, said: Mapping[str, Any]) -> bool:
    fields = sorted(step.fields) if isinstance(step, Step) else None
    return (said["kind"], said.get("requested")) == (f"consent.{step.state}", fields)


def _opened(leaf: bytes, salt: bytes | None, event: bytes | None) -> Mapping[str, Any] | None:
    """Out: what a line says; None when it is erased, or not what its leaf commits to (`verify_log` names that)."""
    read = labels.parse_leaf(leaf)
    if read is None or salt is None or event is None or not labels.opens(read, salt, event):
        return None
    try:
        from_bytes(event)
    except EventInvalid:
        return None
    said: Mapping[str, Any] = json.loads(event)
    return said


def _of_house(line: StoredEvent) -> bool:
    read = labels.parse_leaf(line.leaf)
    return read is not None and read.label == labels.system(line.origin)


def _row(last: AnyStep) -> tuple[int, str, str, str]:
    """Out: revision, state, recipient and case; a power is for nobody's case."""
    recipient, case = (last.recipient, last.case) if isinstance(last, Step) else ("", "")
    return last.revision, last.state, recipient, case


def _different(kept: tuple[int, str, str, str], last: AnyStep) -> tuple[str, ...]:
    said = _row(last)
    names = ("revision", "state", "recipient", "case_id")
    return tuple(name for name, mine, right in zip(names, kept, said, strict=True) if mine != right)
