"""Codes into words: the policy's for what the authority named, ours for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.views.auskunft import Named, Office, Titles
from gateway.views.words import Text, Words


class Names:
    """An unknown code is shown as itself."""

    def __init__(self, titles: Titles, words: Words) -> None:
        self.titles = titles
        self.words = words

    def word(self, section: str, code: str) -> Named:
        return Named(str(code), self.words.text(section, code))

    def data(self, names: Iterable[str]) -> tuple[Named, ...]:
        """Out: fields in the order of the word list, as they stand on a form."""
        order = {code: place for place, code in enumerate(self.words.codes("field"))}
        return tuple(
            self.word("field", name) for name in sorted(names, key=lambda name: (order.get(name, 999), name))
        )

    def consumer(self, code: str) -> Named:
        return _office(self.titles.consumers, code)

    def register(self, code: str) -> Named:
        return _office(self.titles.registers, code)

    def evidence(self, code: str) -> Named:
        return _titled(self.titles.evidence, code)

    def purpose(self, code: str) -> Named:
        return _titled(self.titles.purposes, code)

    def procedure(self, code: str) -> Named:
        return _titled(self.titles.procedures, code)

    def recorder(self, code: str, by_message: bool) -> Named:
        """Out: the authority that recorded a step. Who is no data consumer and sent no message is somebody at the
        house's own counter, whom the citizen does not learn (DOMAIN.md 5)."""
        if by_message or code in self.titles.consumers:
            return self.consumer(code)
        return Named("", self.titles.authority)

    def concerned(self, role: str) -> Named:
        known = role if role in self.words.codes("concerned") else "other"
        return Named(role, self.words.text("concerned", known))

    def form(self, subject: str) -> Named:
        """Out: a form of the person, told so that the person recognises it and a stranger learns little."""
        scheme, _, rest = subject.partition(":")
        if scheme == "idnr":
            end = rest[-3:]
            return Named(
                scheme,
                Text(f"Identifikationsnummer, die auf {end} endet", f"Identification number ending in {end}"),
            )
        register = self.register(rest.partition(":")[0])
        return Named(
            register.code,
            Text(f"Ihr Eintrag: {register.title.de}", f"Your entry: {register.title.en}"),
            register.title,
        )


def _office(offices: Mapping[str, Office], code: str) -> Named:
    office = offices.get(code, Office(Text(code, code)))
    return Named(code, office.title, office.part)


def _titled(titles: Mapping[str, Text], code: str) -> Named:
    return Named(code, titles.get(code, Text(code, code)))
