"""Checking, for those who trust nobody: a kept log column by column, and a person's export offline.

Reads with code of its own; shares with the writing side the formats only (note, labels, the tree's hashes).
"""
