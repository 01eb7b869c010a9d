"""The time on a German wall, as the verifier reckons it (`gateway/audit/german_time.py`): pages and verdicts agree."""

from gateway.audit.german_time import german_time

__all__ = ["german_time"]
