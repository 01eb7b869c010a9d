"""The journal: `asked` before a register is touched, `settled` before anything leaves. No receipt, no reply."""

from gateway.journal.book import Journal

__all__ = ["Journal"]
