"""A home's files: strict settings, located mistakes, verified grants (CONTRACT.md 3)."""
