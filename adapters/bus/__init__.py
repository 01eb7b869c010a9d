"""Buses: what carries messages to and from the house."""
