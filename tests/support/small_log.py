"""A small true log, made as the house makes one: two classes, two months, one person, everything deterministic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from gateway.audit import labels, note, proof, record, tree
from gateway.audit.index import EMPTY_INDEX, Index, Presence, output_leaf
from gateway.audit.note import Checkpoint, Signer
from gateway.audit.shard import Origin, ShardKeys, opening_event, statement_text
from gateway.audit.verify.stored.columns import (
    CheckpointRow,
    LineRow,
    PublicKeys,
    ShardRow,
    StoredLog,
    TerminalRow,
    TileRow,
)

AUTHORITY = "musterstadt.example"
IDENTITY = Signer.from_seed(AUTHORITY, b"\x11" * 32)
AUDITOR = Signer.from_seed("auditor.example/dsb", b"\x22" * 32)
WITNESS = Signer.from_seed("nachbarstadt.example/witness", b"\x33" * 32)
PERSON = "idnr:02468135774"
OTHER = "idnr:06898534127"
REGISTER_FORM = "reg:melderegister:4711"
CLASSES = ("12m", "24m")
COSIGNED = 1_795_292_868
TO = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)


def chance(*words: object) -> bytes:
    return sha256("|".join(map(str, words)).encode()).digest()


@dataclass
class SmallShard:
    """One shard with all its columns, growing as the store grows it."""

    origin: str
    keys: ShardKeys
    edge: tree.Edge = tree.EMPTY_EDGE
    lines: list[LineRow] = field(default_factory=list)
    tiles: dict[tuple[int, int], bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    terminals: list[TerminalRow] = field(default_factory=list)
    previous: str | None = None
    followed: bool = False

    @classmethod
    def open(
        cls,
        retention: str,
        year: int,
        month: int,
        previous: str | None = None,
        classes: Sequence[str] = CLASSES,
        authority: str = AUTHORITY,
        label_of: str | None = None,
        keys_of: ShardKeys | None = None,
        number: int = 1,
        identity: Signer = IDENTITY,
        house: bool = False,
    ) -> SmallShard:
        """For lies: another authority's shard, another label of leaf 0, another's keys in it. With `house`: leaf 0 as
        this version writes it."""
        origin = str(Origin(authority, retention, year, month, number))
        count = iter(range(99))
        keys = ShardKeys.generate(origin, lambda size: chance("key", origin, next(count))[:size])
        shard = cls(origin, keys)
        if previous is not None:
            shard.previous = note.split(previous)[0]
        stated = keys_of or keys
        statement = note.sign(statement_text(stated.origin, stated), identity)
        opening = opening_event(classes, statement, previous)
        shard._append([(labels.system(label_of or origin), opening)], house)
        return shard

    def tell(self, event: record.Event, house: bool = True) -> None:
        """Add a line about the house, as the house writes it, or as others can."""
        self._append([(labels.system(self.origin), record.to_bytes(event))], house)

    def add(self, count: int, person: str = PERSON, every: int = 5) -> None:
        """Add exchanges: an `asked` and an `answered` line each; every so many are the person's."""
        for number in range(count):
            exchange = f"x-{self.origin}-{self.edge.size}"
            whom = person if number % every == 0 else OTHER
            time = datetime(2026, 11, 1, 10, number // 60 % 60, number % 60, tzinfo=UTC)
            asked = record.Event(kind=record.Kind.ASKED, time=time, exchange=exchange)
            answered = record.Event(
                kind=record.Kind.ANSWERED,
                time=time,
                exchange=exchange,
                evidence="residence",
                released=("town",),
            )
            self.terminals.append(TerminalRow(exchange, self.edge.size + 1, "answered"))
            self._append(
                [
                    (labels.sealed(self.keys.seal, exchange), record.to_bytes(asked)),
                    (labels.label(self.keys.vrf, self.origin, whom), record.to_bytes(answered)),
                ]
            )

    def _append(self, told: Sequence[tuple[bytes, bytes]], house: bool = False) -> None:
        for label, event in told:
            salt = chance("salt", self.origin, len(self.lines))
            if house:
                salt = labels.house_salt(self.keys.seal, event)
            leaf = labels.leaf(label, labels.commit(salt, event))
            self.lines.append(LineRow(len(self.lines), label, leaf, salt, event))
        grown = tree.append(self.edge, [tree.leaf_hash(line.leaf) for line in self.lines[self.edge.size :]])
        for tile in grown.tiles:
            self.tiles[tile.level, tile.number] = tile.hashes
        self.edge = grown.edge

    def sign(self) -> str:
        """Sign the head and keep the checkpoint."""
        text = Checkpoint(self.origin, self.edge.size, self.edge.root).text
        self.notes.append(note.sign(text, self.keys.log))
        return self.notes[-1]

    def witnessed(self) -> None:
        """Have the newest kept checkpoint cosigned."""
        self.notes[-1] = note.cosign(self.notes[-1], WITNESS, COSIGNED)

    def close(self) -> str:
        self.followed = True
        return self.sign()

    def nodes(self) -> tree.Nodes:
        return tree.Nodes(lambda level, n, width: self.tiles[level, n][: width * 32], self.edge.size)

    # --- what is checked -------------------------------------------------------------------------------------
    def stored(self) -> StoredLog:
        public = self.keys.public
        return StoredLog(
            shard=ShardRow(
                self.origin,
                Origin.parse(self.origin).retention,
                self.edge.size,
                self.edge.root,
                self.followed,
            ),
            lines=tuple(self.lines),
            tiles=tuple(TileRow(level, n, hashes) for (level, n), hashes in sorted(self.tiles.items())),
            checkpoints=tuple(CheckpointRow(int(text.split("\n")[1]), text) for text in self.notes),
            keys=PublicKeys(public.log.vkey, public.index.vkey, public.vrf),
            previous=self.previous,
            followed=self.followed,
            terminals=tuple(self.terminals),
            seal=self.keys.seal,
        )

    def proved(self, forms: Sequence[str], time: str | None, erased: bool = False) -> proof.ShardProof:
        """Out: the shard's part of an export; `time` is that of its index, None for no index."""
        nodes, checkpoint = self.nodes(), self.notes[-1]
        start = self.lines[0]
        assert start.salt is not None
        assert start.event is not None
        by_label: dict[bytes, list[int]] = {}
        for line in self.lines:
            by_label.setdefault(line.label, []).append(line.idx)
        index = Index.of(by_label)
        parts = {
            "origin": self.origin,
            "log": proof.LogHead(checkpoint=checkpoint),
            "start": proof.Start(
                leaf=start.leaf, salt=start.salt, event=start.event, proof=tuple(nodes.inclusion(0))
            ),
            "subjects": tuple(self._form(form, by_label, index, time is not None, erased) for form in forms),
        }
        if time is not None:
            parts["index"] = self._index_head(index, checkpoint, time)
        return proof.ShardProof.model_validate(parts)

    def older_index(self, checkpoint: str) -> proof.IndexHead:
        """Out: the first of the two epochs, truly in the output log."""
        head = self._index_head(EMPTY_INDEX, checkpoint, "2026-11-21T20:16:00Z")
        first = output_leaf(1, EMPTY_INDEX, checkpoint, "2026-11-21T20:16:00Z")
        return head.model_copy(
            update={"leaf": first, "position": 0, "proof": (tree.leaf_hash(head.leaf),), "size": 0}
        )

    def index_for(self, checkpoint: str) -> proof.IndexHead:
        """Out: the index of all lines, made for that checkpoint."""
        by_label: dict[bytes, list[int]] = {}
        for line in self.lines:
            by_label.setdefault(line.label, []).append(line.idx)
        return self._index_head(Index.of(by_label), checkpoint, "2026-11-21T20:16:00Z")

    def _index_head(self, index: Index, checkpoint: str, time: str) -> proof.IndexHead:
        leaves = [output_leaf(1, EMPTY_INDEX, checkpoint, time), output_leaf(2, index, checkpoint, time)]
        hashes = [tree.leaf_hash(leaf) for leaf in leaves]
        text = Checkpoint(f"{self.origin}/index", 2, tree.root(hashes)).text
        signed = note.cosign(note.sign(text, self.keys.index), AUDITOR, COSIGNED)
        return proof.IndexHead(
            checkpoint=signed,
            leaf=leaves[1],
            position=1,
            proof=(hashes[0],),
            root=index.root,
            size=index.size,
        )

    def _form(
        self, form: str, by_label: dict[bytes, list[int]], index: Index, indexed: bool, erased: bool
    ) -> proof.Subject:
        label, pi = labels.prove_label(self.keys.vrf, self.origin, form)
        entries = tuple(self._entry(at, erased) for at in by_label.get(label, ()))
        parts: dict[str, object] = {"subject": form, "vrf_proof": pi, "label": label, "entries": entries}
        place = index.find(label)
        if indexed and isinstance(place, Presence):
            parts |= {"label_position": place.position, "label_proof": place.proof}
        elif indexed and not isinstance(place, Presence):
            sides = {
                name: side and proof.Side(leaf=side.leaf, position=side.position, proof=side.proof)
                for name, side in (("left", place.left), ("right", place.right))
            }
            parts["absence"] = proof.Absent.model_validate(sides)
        return proof.Subject.model_validate(parts)

    def _entry(self, at: int, erased: bool) -> proof.Entry:
        line = self.lines[at]
        assert line.salt is not None
        assert line.event is not None
        opening = "erased: IDNrG § 9" if erased else (line.salt, line.event)
        return proof.entry(at, line.leaf, opening, self.nodes().inclusion(at))


def small_log(lines: int = 7) -> dict[str, SmallShard]:
    """Out: four shards by `class/month`, October closed, November open, all signed."""
    shards: dict[str, SmallShard] = {}
    for retention in CLASSES:
        october = SmallShard.open(retention, 2026, 10)
        october.add(lines)
        november = SmallShard.open(retention, 2026, 11, october.close())
        november.add(lines)
        november.sign()
        shards |= {f"{retention}/10": october, f"{retention}/11": november}
    return shards


def small_proof(
    shards: dict[str, SmallShard],
    indexed: bool = True,
    forms: Sequence[str] = (PERSON, REGISTER_FORM),
    start: date = date(2026, 10, 1),
    erased: bool = False,
    to: datetime = TO,
    authority: proof.Authority | None = None,
) -> proof.Proof:
    """Out: the export of one person over all shards."""
    time = f"{to + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}" if indexed else None
    authority = authority or proof.Authority(name=AUTHORITY, vkey=IDENTITY.verifier.vkey)
    parts = [shard.proved(forms, time, erased) for shard in shards.values()]
    return proof.Proof.make(authority, start, to, parts)
