"""A verifier of proof.json written from VERIFY.txt and nothing else: it shares no code with the house.

`a_…` is part A of the text; the steps are those of part B, without the two that most exports do not have: keys that
were followed by others, and restores.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby, pairwise
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from foreign_curve import vrf_beta


class Wrong(Exception):
    """A step of part B is not so."""


def need(so: bool, step: int) -> None:
    if not so:
        raise Wrong(step)


def a_binary(text: str) -> bytes:
    data = b64decode(text, validate=True)
    need(b64encode(data).decode() == text, 0)
    return data


# --- A. the bytes -------------------------------------------------------------------------------------------------
def a_leaf(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def a_root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + a_root(leaves[:middle]) + a_root(leaves[middle:])).digest()


def a_included(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    """RFC 6962, 2.1.1, from the root down."""
    if not 0 <= index < size or any(len(node) != 32 for node in proof):
        return False
    if size == 1:
        return not proof and leaf == root
    if not proof:
        return False
    return _path(leaf, index, size, proof) == root


def _path(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes | None:
    if size == 1:
        return leaf if not proof else None
    if not proof:
        return None
    middle, sibling = 1 << (size - 1).bit_length() - 1, proof[-1]
    if index < middle:
        below = _path(leaf, index, middle, proof[:-1])
        return None if below is None else sha256(b"\x01" + below + sibling).digest()
    below = _path(leaf, index - middle, size - middle, proof[:-1])
    return None if below is None else sha256(b"\x01" + sibling + below).digest()


class Key:
    """A vkey."""

    def __init__(self, vkey: str) -> None:
        self.name, kid, blob = vkey.split("+", 2)
        raw = a_binary(blob)
        self.vkey, self.type, self.public = vkey, raw[0], raw[1:]
        self.id = sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        if self.id.hex() != kid or len(self.public) != 32:
            raise ValueError(vkey)

    @property
    def fingerprint(self) -> str:
        return sha256(self.vkey.encode()).hexdigest()


def a_note(note: str, keys: list[Key]) -> tuple[str, list[Key]]:
    """Out: the text, and which of the keys signed it; a known one that fails is an error."""
    text, found, lines = note.rpartition("\n\n")
    if not found or not lines.endswith("\n"):
        raise ValueError("no note")
    text += "\n"
    signed: list[Key] = []
    for line in lines.splitlines():
        dash, name, blob = line.split(" ")
        raw = a_binary(blob)
        for key in keys:
            if dash == "—" and (key.name, key.id) == (name, raw[:4]):
                message, signature = text.encode(), raw[4:]
                if key.type == 4:
                    time = int.from_bytes(signature[:8], "big")
                    message, signature = f"cosignature/v1\ntime {time}\n{text}".encode(), signature[8:]
                Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
                signed.append(key)
    return text, signed


def a_checkpoint(text: str) -> tuple[str, int, bytes]:
    origin, size, root, end = text.split("\n")
    if end or str(int(size)) != size:
        raise ValueError("no checkpoint")
    return origin, int(size), a_binary(root)


# --- B. what to check ------------------------------------------------------------------------------------------------
class Shard:
    """Steps 2 to 4 of one shard."""

    def __init__(
        self, said: dict[str, Any], identity: Key, auditors: list[Key], witnesses: list[Key]
    ) -> None:
        self.said, self.origin = said, said["origin"]
        authority, self.kind, month = self.origin.rsplit("/", 2)
        self.month = int(month[:4]) * 12 + int(month[5:7]) - 1
        self.number = int(month[8:] or 1)
        start = said["start"]
        leaf, salt, event = (a_binary(start[key]) for key in ("leaf", "salt", "event"))
        system = sha256(b"einmal/system/v1|" + self.origin.encode()).digest()
        need(authority == identity.name and leaf == b"\x01" + system + _commit(salt, event), 2)
        opening = json.loads(event)
        need(opening["kind"] == "shard.opened", 2)
        text, signed = a_note(opening["keys"], [identity])
        head, origin, log, output, vrf, end = text.split("\n")
        self.log, self.output, self.vrf = Key(log), Key(output), a_binary(vrf)
        names = (self.log.name, self.output.name, self.log.type, self.output.type)
        need(bool(signed) and (head, origin, end) == ("einmal/keys/v1", self.origin, ""), 2)
        need(names == (self.origin, f"{self.origin}/index", 1, 1), 2)
        self.classes = opening["classes"]
        previous = opening.get("previous")
        self.previous = None if previous is None else previous.rpartition("\n\n")[0] + "\n"
        self.text, signed = a_note(said["log"]["checkpoint"], [self.log, *witnesses])
        named, self.size, self.root = a_checkpoint(self.text)
        need(self.log in signed and named == self.origin, 3)
        need(a_included(a_leaf(leaf), 0, self.size, _path_of(start["proof"]), self.root), 3)
        self.witnessed = [key for key in signed if key.type == 4]
        self._index(said["index"], auditors)

    def _index(self, said: dict[str, Any], auditors: list[Key]) -> None:
        text, signed = a_note(said["checkpoint"], [self.output, *auditors])
        named, size, root = a_checkpoint(text)
        leaf = a_binary(said["leaf"])
        need(self.output in signed and named == f"{self.origin}/index" and said["position"] == size - 1, 4)
        need(a_included(a_leaf(leaf), size - 1, size, _path_of(said["proof"]), root), 4)
        told = json.loads(leaf)
        need(told["log"].rpartition("\n\n")[0] + "\n" == self.text, 4)
        need((told["index_root"], told["index_size"]) == (said["root"], said["size"]), 4)
        self.time, self.index_root, self.index_size = told["time"], a_binary(said["root"]), said["size"]
        self.audited = [key for key in signed if key.type == 4]

    def subject(self, said: dict[str, Any]) -> None:
        """Step 5."""
        label = a_binary(said["label"])
        alpha = f"einmal/label/v1|{self.origin}|{said['subject']}".encode()
        beta = vrf_beta(self.vrf, alpha, a_binary(said["vrf_proof"]))
        need(beta is not None and beta[:32] == label, 5)
        indexes = [entry["index"] for entry in said["entries"]]
        need(all(one < two for one, two in pairwise(indexes)), 5)
        for entry in said["entries"]:
            leaf = a_binary(entry["leaf"])
            need(len(leaf) == 65 and leaf[:33] == b"\x01" + label, 5)
            need(a_included(a_leaf(leaf), entry["index"], self.size, _path_of(entry["proof"]), self.root), 5)
            if entry["salt"] is None and entry["event"] is None:
                need(bool((entry.get("withheld") or "").removeprefix("erased: ").strip()), 5)
            else:
                need(entry.get("withheld") is None, 5)
                need(leaf[33:] == _commit(a_binary(entry["salt"]), a_binary(entry["event"])), 5)
        if indexes:
            need("absence" not in said, 5)
            hashes = [a_leaf(index.to_bytes(8, "big")) for index in indexes]
            row = b"einmal/index/v1\x00" + label + len(indexes).to_bytes(8, "big") + a_root(hashes)
            place, proof = said["label_position"], _path_of(said["label_proof"])
            need(a_included(a_leaf(row), place, self.index_size, proof, self.index_root), 5)
        else:
            need("label_position" not in said, 5)
            self._absent(label, said["absence"]["left"], said["absence"]["right"])

    def accounted(self, said: dict[str, Any], due_by: int) -> bool:
        """Out: whether every entry that is not shown was erased in its time. No shard here tells of a restore."""
        kept = self.kind.removesuffix("m")
        due = kept.isdigit() and self.month + int(kept) <= due_by
        reasons = [entry.get("withheld") for entry in said["entries"] if entry["event"] is None]
        return all(due and reason.startswith("erased: ") for reason in reasons)

    def _absent(self, label: bytes, left: dict[str, Any] | None, right: dict[str, Any] | None) -> None:
        for side in (left, right):
            if side is not None:
                leaf, proof = a_binary(side["leaf"]), _path_of(side["proof"])
                need(len(leaf) == 88 and leaf.startswith(b"einmal/index/v1\x00"), 5)
                need(a_included(a_leaf(leaf), side["position"], self.index_size, proof, self.index_root), 5)
        need(left is None or a_binary(left["leaf"])[16:48] < label, 5)
        need(right is None or label < a_binary(right["leaf"])[16:48], 5)
        before = -1 if left is None else left["position"]
        after = self.index_size if right is None else right["position"]
        need(before + 1 == after, 5)


def verify(file: bytes, published: str, auditors: list[str], witnesses: list[str]) -> tuple[str, bool]:
    """Out: the outcome's name; whether a witness saw it."""
    try:
        return _verify(json.loads(file, object_pairs_hook=_once), published, auditors, witnesses)
    except (Wrong, InvalidSignature, ValueError, KeyError, TypeError, IndexError):
        return "false", False


def _verify(
    said: dict[str, Any], published: str, auditors: list[str], witnesses: list[str]
) -> tuple[str, bool]:
    need(said.keys() == {"v", "authority", "from", "to", "shards"} and said["v"] == 1, 0)
    identity = Key(said["authority"]["vkey"])
    need(identity.name == said["authority"]["name"] and identity.type == 1, 1)
    known = [Key(vkey) for vkey in auditors], [Key(vkey) for vkey in witnesses]
    shards = [Shard(part, identity, *known) for part in said["shards"]]
    classes = [list(group) for _, group in groupby(shards, key=lambda shard: shard.kind)]
    need(bool(shards) and len({group[0].kind for group in classes}) == len(classes), 3)
    need({name for shard in shards for name in shard.classes} <= {group[0].kind for group in classes}, 3)
    start, end = datetime.fromisoformat(f"{said['from']}T00:00:00Z"), datetime.fromisoformat(said["to"])
    need(start <= end, 3)
    for group in classes:
        for one, two in pairwise(group):
            need(two.previous == one.text and (one.month, one.number) < (two.month, two.number), 3)
        need(_begins(group[0], shards, _month(start), _month(end)), 3)
        need(said["to"] <= group[-1].time and _month(end - timedelta(seconds=1)) <= group[-1].month, 4)
    for shard in shards:
        for subject in shard.said["subjects"]:
            shard.subject(subject)
        names = [subject["subject"] for subject in shard.said["subjects"]]
        need(bool(names) and len(set(names)) == len(names), 6)
        need(set(names) == {subject["subject"] for subject in shards[0].said["subjects"]}, 6)
    if published not in (identity.vkey, identity.fingerprint):
        return "signer-unknown", False
    due_by = _month(end + timedelta(days=1))
    if not all(shard.accounted(subject, due_by) for shard in shards for subject in shard.said["subjects"]):
        return "true-not-complete", any(
            all(key in group[-1].witnessed for group in classes) for key in known[1]
        )
    checked = any(all(key in shard.audited for shard in shards) for key in known[0])
    seen = any(all(key in group[-1].witnessed for group in classes) for key in known[1])
    return ("complete-checked" if checked else "complete-if-honest"), seen


def _begins(first: Shard, shards: list[Shard], start: int, end: int) -> bool:
    if first.previous is not None:
        origin = a_checkpoint(first.previous)[0]
        same, _, month = origin.rpartition("/")
        before = int(month[:4]) * 12 + int(month[5:7]) - 1
        kept = first.kind.removesuffix("m")
        gone = kept.isdigit() and before + int(kept) + 1 <= end
        older = (before, int(month[8:] or 1)) < (first.month, first.number)
        return same == first.origin.rpartition("/")[0] and older and (before < start or gone)
    if first.number > 1 or first.month <= start:
        return first.number == 1
    earlier = [shard for shard in shards if shard.month < first.month]
    unnamed = all(first.kind not in shard.classes for shard in earlier)
    return unnamed and any(shard.month <= start for shard in earlier)


def _commit(salt: bytes, event: bytes) -> bytes:
    need(len(salt) == 32, 5)
    return sha256(b"einmal/commit/v1\x00" + salt + event).digest()


def _path_of(proof: list[str]) -> list[bytes]:
    return [a_binary(node) for node in proof]


def _month(moment: datetime) -> int:
    return moment.year * 12 + moment.month - 1


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    need(len({key for key, _ in pairs}) == len(pairs), 0)
    return dict(pairs)
