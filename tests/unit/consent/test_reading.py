"""Reading the policy: everything strict, every mistake at once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from law_sample import NOW, SETTINGS, documents, read_texts, request, sample, verify
from law_texts import GRANT, TEXTS, changed, key_of

from consent.policy import Policy, empty, read
from consent.vocabulary import Problem

GRANTS = "grants/wohngeld.toml"
REGISTER = "registers/melderegister.toml"
STANDESAMT = "registers/personenstandsregister.toml"
CONSUMER = "consumers/wohngeldstelle.toml"
SECOND_GRANT = "\n" + GRANT.replace('id = "wohngeld-residence"', 'id = "second"')


def problems(found: Policy | tuple[Problem, ...]) -> list[Problem]:
    assert isinstance(found, tuple), "the mistake was not noticed"
    return list(found)


def test_the_sample_is_read() -> None:
    """What is named in the files is found under its names, and under the foreign ones."""
    policy = sample()
    assert set(policy.registers) == {"melderegister", "personenstandsregister"}
    assert [grant.id for grant in policy.grants_for(request())] == ["wohngeld-residence"]
    found = policy.key("wohngeldstelle-2026")
    assert found is not None
    assert found[0] is policy.consumers["wohngeldstelle"]
    assert found[1].jwk.members() == {"kty": "OKP", "crv": "Ed25519", "x": key_of("wohngeldstelle")}
    procedure = policy.procedure_of_requirement("urn:example:requirement")
    assert procedure is policy.procedures["wohngeld-antrag"]
    assert policy.register_of_identifier("9930", "DE73524311") is policy.registers["melderegister"]
    assert policy.evidence_of_identifier("urn:example:residence") == "residence"
    assert policy.purposes["housing-benefit"].title.en == "Housing benefit"
    assert policy.people["leitung"].role == "register-owner"


def test_what_is_not_there_is_not_found() -> None:
    """Unknown names give nothing, and so does the empty policy."""
    for policy in (sample(), empty()):
        assert policy.key("nobody") is None
        assert policy.procedure_of_requirement("x") is None
        assert policy.register_of_identifier("9930", "x") is None
        assert policy.evidence_of_identifier("x") is None
        assert policy.evidence("melderegister", "x") is None
        assert policy.grants_for(request(consumer="nobody")) == ()


MISTAKES: Sequence[tuple[str, str, str, str, str, str]] = [
    # file, what is there, what it becomes, key, what is wrong, part of the mend
    (GRANTS, "norm =", "nrom =", "grant[0].nrom", "is unknown", "'norm'"),
    (GRANTS, 'norm = "EGovG § 5"', "", "grant[0].norm", "is missing", "Add it"),
    (GRANTS, '"EGovG § 5"', '""', "grant[0].norm", "is empty", "Fill it in"),
    (GRANTS, '"EGovG § 5"', '"  "', "grant[0].norm", "has a form", ""),
    (GRANTS, "valid_to = 2027-12-31", "", "grant[0].valid_to", "is missing", "without an end"),
    (GRANTS, "2027-12-31", '"2027-12-31"', "grant[0].valid_to", "should be a date", "2026-12-31"),
    (GRANTS, "2027-12-31", "2027-12-31T00:00:00Z", "grant[0].valid_to", "should be a date", ""),
    (GRANTS, "2027-12-31", "2025-12-31", "grant[0].valid_to", "ends before it begins", "Swap"),
    (GRANTS, "2027-12-31", "9999-12-31", "grant[0].valid_to", "open-ended", "ten years"),
    (GRANTS, '"street"', '"*"', "grant[0].fields", "is a wildcard", "Name each one"),
    (GRANTS, 'evidence = "residence"', 'evidence = "*"', "grant[0].evidence", "is a wildcard", "Name each"),
    (GRANTS, '"street"', '"stret"', "grant[0].fields", "field 'stret' is unknown", "'street'"),
    (GRANTS, '"street"', '"town"', "grant[0].fields", "lists 'town' twice", "once"),
    (GRANTS, '"street"', "3", "grant[0].fields", "should be a list of texts", ""),
    (GRANTS, 'consumer = "wohngeldstelle"', 'consumer = "wohngeld"', "grant[0].consumer", "unknown", "stelle"),
    (GRANTS, 'register = "melderegister"', 'register = "meldregister"', "grant[0].register", "unknown", "'mel"),
    (GRANTS, 'evidence = "residence"', 'evidence = "birth"', "grant[0].evidence", "has no evidence type", "residence"),
    (GRANTS, '"housing-benefit"', '"housing"', "grant[0].purpose", "purpose 'housing' is unknown", "benefit"),
    (GRANTS, '["wohngeld-antrag"]', '["antrag"]', "grant[0].procedures", "procedure 'antrag' is unknown", "Known"),
    (GRANTS, '["wohngeld-antrag"]', '["parkausweis"]', "grant[0].procedures", "serves the purpose 'parking'", ""),
    (GRANTS, '["wohngeld-antrag"]', "[]", "grant[0].procedures", "is empty", "Fill it in"),
    (GRANTS, '["buergerportal"]', '["portal"]', "grant[0].recorded_by", "recorder 'portal' is unknown", ""),
    (GRANTS, '["buergerportal"]', "[]", "grant[0].recorded_by", "nobody may record the choice", "Name"),
    (GRANTS, '["choice"]', '["statutory"]', "grant[0].recorded_by", "a statute is not recorded", "[]"),
    (GRANTS, '["choice"]', '["chioce"]', "grant[0].basis", "is not one of the allowed words", "'choice'"),
    (GRANTS, '["choice"]', "[]", "grant[0].basis", "is empty", ""),
    (GRANTS, '"24m"', '"36m"', "grant[0].retention", "retention class '36m' is unknown", "24m"),
    (GRANTS, '"hide"', '"show"', "grant[0].blocked", "not one of the allowed words", "deliver-with-notice"),
    (GRANTS, "retention", 'default_fields = ["sex"]\nretention', "grant[0].default_fields", "not among", "Known"),
    (GRANTS, '"street"', '"religion"', "grant[0].fields", "special category", "special_category_law"),
    (GRANTS, "retention", "idnr = 1\nretention", "grant[0].idnr", "should be true or false", ""),
    (GRANTS, "retention", "max_age_days = 0\nretention", "grant[0].max_age_days", "greater than 0", ""),
    (GRANTS, "retention", 'predecessor = "wohngeld-residence"\nretention', "grant[0].predecessor", "itself", ""),
    (GRANTS, "retention", 'predecessor = "older"\nretention', "grant[0].predecessor", "'older' is unknown", ""),
    (GRANTS, "retention", 'on_behalf_of = "wohngeld"\nretention', "grant[0].on_behalf_of", "unknown", "wohngeldstelle"),
    (GRANTS, "retention", 'on_behalf_of = "wohngeldstelle"\nretention', "grant[0].on_behalf_of", "own behalf", "Leave"),
    (GRANTS, "retention", 'exempt = "AO"\nexempt_days = 9\nretention', "grant[0].exempt", "own choice", "statutory"),
    (GRANTS, "retention", 'exempt = "AO"\nexempt_days = 9\nretention', "grant[0].exempt_days", "own choice", ""),
    (GRANTS, "retention", 'exempt = "AO"\nretention', "grant[0]", "without both", "exempt_days"),
    (GRANTS, '["choice"]', '["statutory"]\nassurance = "low"', "grant[0].assurance", "a statute has no record", ""),
    (GRANTS, "retention", 'assurance = "hihg"\nretention', "grant[0].assurance", "allowed words", "'high'"),
    (GRANTS, "retention", 'representation = ["guardian"]\nretention', "grant[0].representation", "allowed", ""),
    (GRANTS, "retention", "write = true\nretention", "grant[0].fields", "'given_names' can't be", "town"),
    (GRANTS, "retention", 'write = true\ndefault_fields = ["town"]\nretention', "grant[0].default_fields", "no me", ""),
    (GRANTS, "retention", 'write = true\nitem = "x"\nretention', "grant[0].item", "no meaning", "Leave it out"),
    (GRANTS, "retention", "write = true\npush = true\nretention", "grant[0].push", "no meaning", ""),
    (GRANTS, "retention", "write = true\ndocument = true\nretention", "grant[0].document", "no meaning", ""),
    (GRANTS, "retention", "write = true\npreview = true\nretention", "grant[0].preview", "no meaning", ""),
    (GRANTS, "[[grant]]", "[grant]", "grant", "should be a list", "[[grant]]"),
    (GRANTS, GRANT, GRANT + SECOND_GRANT, "grant[1].id", "answers the same question", "end before"),
    (GRANTS, GRANT, GRANT + SECOND_GRANT.replace("second", "wohngeld-residence"), "grant[1].id", "already", ""),
    (REGISTER, 'adapter = "sql"', 'adaptor = "sql"', "adaptor", "is unknown", "'adapter'"),
    (REGISTER, '["religion"]', '["religon"]', "evidence[0].special", "field 'religon' is unknown", "'religion'"),
    (REGISTER, 'street = "strasse"', "street = 3", "evidence[0].fields.street", "name of a column", ""),
    (REGISTER, "{ column =", "{ colum =", "evidence[0].fields.sex.colum", "is unknown", "'column'"),
    (REGISTER, '["street", "town"]', '["stret"]', "evidence[0].writable", "'stret' is unknown", "'street'"),
    (REGISTER, '"household"', '"household"\nwritable = ["member_birth_date"]', "evidence[1].writable", "a group's", ""),
    (REGISTER, "member_given_names =", "town =", "evidence[1].group.fields.town", "of the evidence itself", "name"),
    (REGISTER, "[sql]", "[soap]", "soap", "is unknown", ""),
    (STANDESAMT, '"personenstandsregister"', '"melderegister"', "id", "is there already", ""),
    (STANDESAMT, '["parent1_family_name"]', '["parent"]', "evidence[0].person[0].fields", "'parent' is unknown", ""),
    (STANDESAMT, 'type = "birth"', 'type = "residence"', "evidence[1].type", "already", ""),
    (STANDESAMT, 'type = "birth"', 'type = "birth"\nidentifiers = ["urn:example:residence"]',
        "evidence[0].identifiers", "already means", ""),
    (CONSUMER, '"sig"', '"enc"', "key[0]", "curve that does not go with its use", "X25519"),
    (CONSUMER, 'kty = "OKP"', 'kty = "EC"', "key[0].jwk", "kty that does not go", ""),
    (CONSUMER, 'kty = "OKP"', 'd = "x", kty = "OKP"', "key[0].jwk.d", "is a private key", "leaked"),
    (CONSUMER, key_of("wohngeldstelle"), key_of("buergerportal"), "key[0].jwk.x", "is there already", ""),
    ("people/leitung.toml", key_of("leitung"), key_of("datenschutz"), "jwk.x", "is there already", ""),
    (CONSUMER, "2027-12-31T23:59:59Z", "2025-12-31T23:59:59Z", "key[0].valid_to", "ends before", "Swap"),
    (CONSUMER, "2027-12-31T23:59:59Z", "2027-12-31T23:59:59", "key[0].valid_to", "time zone", "Z"),
    (CONSUMER, "2027-12-31T23:59:59Z", "2027-12-31", "key[0].valid_to", "date with time", ""),
    (CONSUMER, "wohngeldstelle-2026", "buergerportal-2026", "key[0].kid", "is there already", ""),
    (CONSUMER, 'bus_user = "wohngeldstelle"', 'bus_user = "buergerportal"', "bus_user", "already", ""),
    (CONSUMER, 'value = "wohngeldstelle"', 'value = "buergerportal"', "identifiers[0]", "already", ""),
    (CONSUMER, '"wohngeldstelle"', '"wohngeld.stelle"', "id", "has a form", ""),
    (CONSUMER, '"xeinmal/1.0"', '"xeinmal"', "standards[0]", "has a form", ""),
    ("purposes.toml", 'purpose = "parking"', 'purpose = "park"', "procedure[1].purpose", "'park' is", "parking"),
    ("purposes.toml", 'code = "parking"', 'code = "housing-benefit"', "purpose[1].code", "already", ""),
    ("purposes.toml", 'code = "parkausweis"', 'code = "wohngeld-antrag"', "procedure[1].code", "already", ""),
    ("purposes.toml", "Parking permit", "", "procedure[1].title.en", "is empty", ""),
    ("people/betrieb.toml", 'role = "operator"', 'role = "operater"', "role", "allowed words", "operator"),
    ("people/betrieb.toml", "valid_from", 'registers = ["melderegister"]\nvalid_from',
        "registers", "only a register owner", ""),
    ("people/betrieb.toml", 'role = "operator"', 'role = "register-owner"', "registers", "answers for no register", ""),
    ("people/leitung.toml", 'id = "leitung"', 'id = "betrieb"', "id", "is there already", ""),
    ("people/leitung.toml", '"personenstandsregister"', '"standesamt"', "registers", "'standesamt' is unknown", ""),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "key", "wrong", "mend"), MISTAKES)
def test_each_mistake_is_told_with_file_key_and_mend(
    file: str, old: str, new: str, key: str, wrong: str, mend: str
) -> None:
    """Whatever is not exactly right is a problem that says where it is, what is wrong and how to mend it."""
    found = problems(read_texts(changed(file, old, new)))
    assert any(
        problem.file == file
        and (problem.key == key or problem.key.startswith(key + "["))
        and wrong in problem.wrong
        and mend in problem.mend
        for problem in found
    ), [str(problem) for problem in found]


def test_all_mistakes_are_told_at_once() -> None:
    """Mistakes in several files, and several in one table, hide none of each other."""
    texts = changed(GRANTS, "norm =", "nrom =")
    grants = texts[GRANTS].replace('"street"', '"stret"').replace("2027-12-31", "2025-01-01")
    texts |= {
        GRANTS: grants.replace('["choice"]', '["chioce"]').replace('"24m"', '"1m"'),
        CONSUMER: TEXTS[CONSUMER].replace("bus_user", "bus_usr"),
        REGISTER: TEXTS[REGISTER].replace('["religion"]', '["religon"]'),
    }
    keys = {(problem.file, problem.key) for problem in problems(read_texts(texts))}
    assert keys >= {
        (GRANTS, "grant[0].nrom"),
        (GRANTS, "grant[0].norm"),
        (GRANTS, "grant[0].fields"),
        (GRANTS, "grant[0].valid_to"),
        (GRANTS, "grant[0].basis[0]"),
        (GRANTS, "grant[0].retention"),
        (CONSUMER, "bus_usr"),
        (CONSUMER, "bus_user"),
        (REGISTER, "evidence[0].special"),
    }


def test_a_file_elsewhere_is_no_law() -> None:
    """Only the five places of a home hold law."""
    found = problems(read_texts({**TEXTS, "grant/x.toml": GRANT}))
    assert [(problem.file, problem.mend) for problem in found] == [
        ("grant/x.toml", "Did you mean 'grants/'?")
    ]


def test_grants_may_follow_each_other_and_differ_in_basis() -> None:
    """One grant after the other, or beside it on another basis, is no overlap."""
    later = SECOND_GRANT.replace("2026-01-01", "2028-01-01").replace("2027-12-31", "2028-12-31")
    other = SECOND_GRANT.replace("second", "third").replace('"choice"', '"consent"')
    assert isinstance(read_texts(changed(GRANTS, GRANT, GRANT + later + other)), Policy)


def test_grants_that_share_their_last_day_overlap() -> None:
    """Both ends of a grant's validity belong to it."""
    later = SECOND_GRANT.replace("2026-01-01", "2027-12-31").replace("to = 2027-12-31", "to = 2028-12-31")
    found = problems(read_texts(changed(GRANTS, GRANT, GRANT + later)))
    assert [problem.key for problem in found] == ["grant[1].id"]


def test_the_order_of_the_files_changes_nothing() -> None:
    """The hash is over the files by name, however they were found."""
    found = read(list(reversed(documents())), SETTINGS, verify, NOW)
    assert isinstance(found, Policy)
    assert found.hash == sample().hash


def test_nothing_at_all_is_the_empty_policy() -> None:
    """No file grants nothing, and says so without a mistake."""
    found = read([], SETTINGS, verify, NOW)
    assert isinstance(found, Policy)
    assert not found.grants
