"""A tree of the folder walked leaf by leaf: its root at the sizes asked for, and every tile held against its leaves."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gateway.audit import tiles, tree
from gateway.audit.note import Checkpoint
from gateway.audit.tiles import TileName
from gateway.audit.verify.growing import Growing
from gateway.audit.verify.published.folder import Files, Unreadable, read_leaves, read_tile


class Walk:
    """One walk over the leaves below a checkpoint. Memory does not grow with them."""

    def __init__(
        self, files: Files, folder: str, checkpoint: Checkpoint, sizes: Collection[int] = ()
    ) -> None:
        """In: the tree's folder; its checkpoint; at which sizes its root is asked for."""
        self._files, self._folder, self._checkpoint = files, folder, checkpoint
        self._tile = read_tile(files, folder)
        self._sizes = {*sizes, checkpoint.size}
        self._grown = Growing()
        self._roots = {0: tree.EMPTY_ROOT}
        self.wrong: list[Unreadable] = []
        """Tiles that do not fit their leaves."""

    @property
    def size(self) -> int:
        """Out: how many leaves were walked."""
        return self._grown.size

    def leaves(self) -> Iterator[bytes]:
        """Out: every leaf, counted already when it is given. Raises: Unreadable: a bundle is missing or none, or the
        leaves are not those that were signed."""
        for name in tiles.tiles_of(self._checkpoint.size, 0):
            for leaf in read_leaves(self._files, self._folder, name):
                for full, hashes in self._grown.add(tree.leaf_hash(leaf)):
                    self._compare(full, hashes)
                if self._grown.size in self._sizes:
                    self._roots[self._grown.size] = self._grown.root()
                yield leaf
        for name, hashes in self._grown.unfinished():
            self._compare(name, hashes)
        if self._roots[self._checkpoint.size] != self._checkpoint.root:
            raise Unreadable(self._folder, "its entries are not those of its checkpoint")

    def root_at(self, size: int) -> bytes:
        """Out: the root of the first leaves, one of the sizes asked for, once they were walked."""
        return self._roots[size]

    def _compare(self, name: TileName, hashes: bytes) -> None:
        try:
            if self._tile(name) != hashes:
                self.wrong.append(Unreadable(f"{self._folder}/{name.path}", "not what its entries make it"))
        except Unreadable as wrong:
            self.wrong.append(wrong)
