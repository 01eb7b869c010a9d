"""The journal's core: events, labels, the tree, checkpoints, proofs (exact bytes, no I/O)."""
