"""The tree: RFC 6962 roots, tiles, inclusion and consistency, against a naive reference from the RFC."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest

from gateway.audit import tree

SIZES = 300


def naive_root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) <= 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*naive_path(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(index - k, leaves[k:]), naive_root(leaves[:k])]


def naive_consistency(m: int, leaves: Sequence[bytes], whole: bool = True) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_consistency(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_consistency(m - k, leaves[k:], False), naive_root(leaves[:k])]


class Kept:
    """Tiles as a store keeps them."""

    def __init__(self) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}

    def keep(self, grown: tree.Grown) -> tree.Edge:
        for tile in grown.tiles:
            self.tiles[(tile.level, tile.number)] = tile.hashes
        return grown.edge

    def read(self, level: int, number: int, width: int) -> bytes:
        return self.tiles[(level, number)][: width * 32]


def leaves_of(count: int) -> list[bytes]:
    return [f"leaf {index}".encode() for index in range(count)]


def hashes_of(leaves: Sequence[bytes]) -> list[bytes]:
    return [tree.leaf_hash(leaf) for leaf in leaves]


def kept(count: int, batch: int) -> tuple[Kept, tree.Edge]:
    store, edge, hashes = Kept(), tree.EMPTY_EDGE, hashes_of(leaves_of(count))
    for start in range(0, count, batch):
        edge = store.keep(tree.append(edge, hashes[start : start + batch]))
    return store, edge


LEAVES = leaves_of(SIZES)
ROOTS = [naive_root(LEAVES[:size]) for size in range(SIZES + 1)]
STORE, EDGE = kept(SIZES, 7)


def test_the_roots_of_the_rfc_6962_test_data_come_out() -> None:
    """The well-known eight leaves of the certificate-transparency test data give the published roots."""
    data = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    data.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
    published = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    assert {size: tree.root(hashes_of(data[:size])).hex() for size in published} == published


@pytest.mark.parametrize("batch", [1, 3, 32, 255, 256, 257, 1000])
def test_a_tree_grown_in_batches_has_the_root_of_the_list(batch: int) -> None:
    """However the leaves are batched, size, root and kept tiles are the same."""
    store, edge = kept(1000, batch)
    single, _ = kept(1000, 1000)
    assert edge.size == 1000
    assert edge.root == naive_root(leaves_of(1000))
    assert store.tiles == single.tiles


def test_every_size_to_300_has_its_root() -> None:
    """Grown leaf by leaf, each size has the naive root, from the list and from the tiles."""
    edge = tree.EMPTY_EDGE
    for size, hash_ in enumerate(hashes_of(LEAVES), start=1):
        edge = tree.append(edge, [hash_]).edge
        assert edge.root == ROOTS[size]
        assert tree.Nodes(STORE.read, size).root() == ROOTS[size]


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, 65535, 65536, 65537, 65800])
def test_the_edge_can_be_had_back_from_the_tiles(size: int) -> None:
    """What a restarted process reads is what the process before had in hand."""
    store, edge = kept(size, 4096)
    again = tree.edge_at(size, store.read)
    assert again == edge
    more = hashes_of([b"one", b"two"])
    assert tree.append(again, more).root == tree.append(edge, more).root


def test_a_batch_touches_few_tiles() -> None:
    """n leaves write a tile per 256 of them and one a level, never more."""
    _, edge = kept(65536 - 300, 4096)
    grown = tree.append(edge, hashes_of(leaves_of(600)))
    assert [(tile.level, tile.number, tile.width) for tile in grown.tiles] == [
        (0, 254, 256),
        (0, 255, 256),
        (1, 0, 256),
        (0, 256, 256),
        (0, 257, 44),
        (1, 1, 1),
        (2, 0, 1),
    ]
    assert tree.append(grown.edge, []).tiles == ()


def test_every_inclusion_proof_to_300_is_the_naive_one_and_verifies() -> None:
    """For all sizes to 300: the path from the tiles is the RFC's and verifies, for no other place or size."""
    hashes = hashes_of(LEAVES)
    for size in range(1, SIZES + 1):
        nodes = tree.Nodes(STORE.read, size)
        for index in {0, 1, size // 2, size - 2, size - 1, size * 7 // 9} & set(range(size)):
            proof = nodes.inclusion(index)
            assert proof == naive_path(index, LEAVES[:size])
            assert tree.verify_inclusion(hashes[index], index, size, proof, ROOTS[size])
            assert not tree.verify_inclusion(hashes[index], index + 1, size, proof, ROOTS[size])
            assert not tree.verify_inclusion(hashes[index], index, size, [*proof, ROOTS[1]], ROOTS[size])
            assert not tree.verify_inclusion(hashes[index], index, size, proof[:-1], ROOTS[size]) or not proof


def test_every_index_of_some_sizes_is_proved() -> None:
    """Every leaf of trees around the tile's border is proved."""
    hashes = hashes_of(LEAVES)
    for size in (1, 2, 3, 7, 8, 255, 256, 257, 300):
        nodes = tree.Nodes(STORE.read, size)
        for index in range(size):
            assert tree.verify_inclusion(hashes[index], index, size, nodes.inclusion(index), ROOTS[size])


def test_every_consistency_proof_to_300_verifies() -> None:
    """For all m ≤ n ≤ 300 the proof verifies; naive equality is checked along some sizes."""
    for newer in range(SIZES + 1):
        nodes = tree.Nodes(STORE.read, newer)
        for older in range(newer + 1):
            proof = nodes.consistency(older)
            assert tree.verify_consistency(older, ROOTS[older], newer, ROOTS[newer], proof)
            if newer in (5, 8, 100, 256, 300) and older:
                assert proof == naive_consistency(older, LEAVES[:newer])


def test_a_consistency_proof_proves_nothing_else() -> None:
    """Other sizes, other roots, a node too many, too few or changed: refused."""
    for older in range(1, 100):
        proof = tree.consistency(STORE.read, older, 100)
        wrong = sha256(b"wrong").digest()
        assert not tree.verify_consistency(older, wrong, 100, ROOTS[100], proof)
        assert not tree.verify_consistency(older, ROOTS[older], 100, wrong, proof)
        assert not tree.verify_consistency(older, ROOTS[older], 100, ROOTS[100], [*proof, wrong])
        assert not tree.verify_consistency(older, ROOTS[older], 100, ROOTS[100], proof[:-1])
        for at in range(len(proof)):
            changed = [*proof[:at], wrong, *proof[at + 1 :]]
            assert not tree.verify_consistency(older, ROOTS[older], 100, ROOTS[100], changed)
    assert not tree.verify_consistency(0, ROOTS[1], 5, ROOTS[5], [])
    assert not tree.verify_consistency(0, ROOTS[0], 5, ROOTS[5], [ROOTS[1]])
    assert not tree.verify_consistency(5, ROOTS[5], 4, ROOTS[4], [])
    assert not tree.verify_consistency(3, ROOTS[3], 4, ROOTS[4], [])
    assert not tree.verify_consistency(4, ROOTS[4], 8, ROOTS[8], [])


def test_a_proof_for_a_smaller_tree_proves_nothing_of_a_larger_one() -> None:
    """The size is part of the claim: a root with its proof, under another size, is refused."""
    leaf = tree.leaf_hash(LEAVES[0])
    proof = tree.inclusion(STORE.read, 0, 4)
    assert tree.verify_inclusion(leaf, 0, 4, proof, ROOTS[4])
    for size in (5, 8, 9, 16):
        assert not tree.verify_inclusion(leaf, 0, size, proof, ROOTS[4])
    grown = tree.consistency(STORE.read, 2, 4)
    assert tree.verify_consistency(2, ROOTS[2], 4, ROOTS[4], grown)
    for size in (5, 8, 9, 16):
        assert not tree.verify_consistency(2, ROOTS[2], size, ROOTS[4], grown)


def test_a_damaged_tile_is_named() -> None:
    """A tile that is too short says which it is."""
    with pytest.raises(tree.TileDamaged) as damage:
        tree.inclusion(lambda level, number, width: STORE.read(level, number, width)[:-1], 3, 300)
    assert (damage.value.level, damage.value.number) in {(0, 0), (0, 1), (1, 0)}


def test_a_leaf_outside_the_tree_has_no_proof() -> None:
    """Asking for what is not there is the caller's mistake."""
    for index, size in ((0, 0), (5, 5), (-1, 3)):
        with pytest.raises(ValueError):
            tree.inclusion(STORE.read, index, size)
    with pytest.raises(ValueError):
        tree.consistency(STORE.read, 6, 5)


@pytest.mark.parametrize("start", [0, 256, 512, 768, 1792])
@pytest.mark.parametrize("more", [0, 1, 255, 256, 257, 700, 1024])
def test_peaks_with_more_leaves_are_those_of_the_tree(start: int, more: int) -> None:
    """After any number of whole tiles: the same root, without a tile to keep."""
    hashes = hashes_of(leaves_of(start + more))
    before = tree.append(tree.EMPTY_EDGE, hashes[:start]).edge.peaks
    found = tree.peaks_with(before, start // tree.TILE_WIDTH, b"".join(hashes[start:]))
    edge = tree.append(tree.EMPTY_EDGE, hashes).edge
    assert (tuple(found), tree.fold(found)) == (edge.peaks, edge.root)
