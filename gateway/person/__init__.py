"""What the house holds about one person, gathered, proved and told: the export of CONTRACT.md 6.

`export` is the story; `telling` reads a proof back at the reader's.
"""

from gateway.person.export import Handout, Holdings, export
from gateway.person.forms import forms_of
from gateway.person.telling import agreement

__all__ = ["Handout", "Holdings", "agreement", "export", "forms_of"]
