"""Registers: where evidence comes from."""
