"""The packaged standards: found by their manifests, strict about them, and each sample is what it says."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest
import xmlschema
from lxml import etree

from consent.idnr import is_idnr, never_issued
from xoev_schemas import sets
from xoev_schemas.catalogue import Catalogue, MessageKey
from xoev_schemas.mapping import MappingError, MappingInvalid
from xoev_schemas.records import MODELS, EvidenceAnswer
from xoev_schemas.rules import XOEV, check
from xoev_schemas.safe_xml import Limits, parse
from xoev_schemas.standards import Message, Standard, load, packaged

XEINMAL = next(standard for standard in packaged() if standard.language == "xeinmal/1.0")
HOME = Path(str(XEINMAL.schema)).parent
SAMPLES = {str(message.sample): message for message in XEINMAL.by_record.values() if message.sample}
CATALOGUE = Catalogue(sets.packaged())


def root_of(message: Message) -> etree._Element:
    assert message.sample is not None
    return parse(message.sample.read_bytes(), Limits())


def test_every_packaged_standard_is_found() -> None:
    """A folder with a manifest is a standard; the languages are named as consumers' files name them."""
    assert [standard.language for standard in packaged()] == ["oots-edm/1.0", "xeinmal/1.0"]
    assert [standard.content_type for standard in packaged()] == ["multipart/related", "application/xml"]


def test_xeinmal_carries_six_records_and_six_items() -> None:
    """Evidence and submissions by their numbers; evidence as documents without one."""
    assert {record: message.number for record, message in XEINMAL.by_record.items()} == {
        "evidence.request": "0101",
        "evidence.answer": "0102",
        "evidence.refusal": "0103",
        "evidence.failure": "0104",
        "submit.request": "0201",
        "submit.receipt": "0202",
        "item.residence": None,
        "item.birth": None,
        "item.household": None,
        "item.trade-registration": None,
        "item.vehicle-keeper": None,
        "item.school-attendance": None,
    }


def test_every_message_of_xeinmal_has_a_sample() -> None:
    """A standard without an example is a riddle."""
    assert len(SAMPLES) == len(XEINMAL.by_record)


@pytest.mark.parametrize("message", SAMPLES.values(), ids=lambda message: message.root)
def test_a_sample_is_valid_and_known(message: Message) -> None:
    """The catalogue's schema for it finds it valid, and its root names its message."""
    root = root_of(message)
    listed = CATALOGUE.find(MessageKey.of(root))
    assert listed is not None
    assert listed.schema.valid(root)
    assert XEINMAL.message_of(root) is message


@pytest.mark.parametrize("message", SAMPLES.values(), ids=lambda message: message.root)
def test_a_sample_is_valid_by_a_second_validator(message: Message) -> None:
    """What libxml2 takes, xmlschema takes too, the schema read from its one file."""
    assert message.sample is not None
    schema = xmlschema.XMLSchema10(str(XEINMAL.schema), allow="local", defuse="always")
    schema.validate(str(message.sample))


@pytest.mark.parametrize("record", [record for record in XEINMAL.by_record if record in MODELS])
def test_a_sample_is_a_record_of_the_house(record: str) -> None:
    """Its record holds what the model asks for, and nothing else."""
    message = XEINMAL.by_record[record]
    said = message.mapping.read(root_of(message))
    assert MODELS[record].model_validate(said).plain() == said


@pytest.mark.parametrize("record", [record for record in XEINMAL.by_record if record.startswith("item.")])
def test_an_answer_carries_the_document_that_stands_alone(record: str) -> None:
    """The same values under `values`, the same groups beside them; written into an answer and read again."""
    alone = XEINMAL.by_record[record]
    values = alone.mapping.read(root_of(alone))
    entries = {"entries": values.pop("entries")} if "entries" in values else {}
    message = XEINMAL.by_record["evidence.answer"]
    answer = message.mapping.read(root_of(message)) | {
        "evidence": record.removeprefix("item."),
        "values": values,
    }
    root = parse(message.mapping.write(answer | entries), Limits())
    listed = CATALOGUE.find(MessageKey.of(root))
    assert listed is not None
    assert listed.schema.valid(root)
    assert message.mapping.read(root) == answer | entries
    assert EvidenceAnswer.model_validate(answer | entries).values == values
    [document] = root.iter(f"{{urn:einmal:xeinmal:1.0}}{alone.root}")
    assert flat(document) == flat(parse(alone.mapping.write(values | entries), Limits()))


@pytest.mark.parametrize("evidence", ["household", "birth"])
def test_what_no_citizen_can_submit_has_no_form(evidence: str) -> None:
    """A household is a register's own reckoning, and a birth is the registry office's."""
    message = XEINMAL.by_record["submit.request"]
    record = message.mapping.read(root_of(message)) | {"evidence": evidence}
    with pytest.raises(MappingError, match="evidence: chooses nothing"):
        message.mapping.write(record)


@pytest.mark.parametrize("message", SAMPLES.values(), ids=lambda message: message.root)
def test_a_sample_breaks_no_rule_but_that_it_is_a_test(message: Message) -> None:
    """XÖV's rules beyond the schema hold for the samples."""
    assert {finding.rule for finding in check(root_of(message), XOEV)} <= {"xoev-test"}


@pytest.mark.parametrize("message", SAMPLES.values(), ids=lambda message: message.root)
def test_a_sample_is_mapped_completely(message: Message) -> None:
    """Every text and attribute of a sample comes back when what was read of it is written: nothing is lost."""
    root = root_of(message)
    again = parse(message.mapping.write(message.mapping.read(root)), Limits())
    assert flat(again) == flat(root)


def flat(root: etree._Element) -> list[tuple[str, str, dict[str, str]]]:
    return [
        (str(element.tag), (element.text or "").strip(), {str(k): str(v) for k, v in element.attrib.items()})
        for element in root.iter()
    ]


def test_the_sample_request_is_the_record_the_gateway_reads() -> None:
    """The keys of evidence.request, all of them."""
    record = XEINMAL.by_record["evidence.request"].mapping.read(
        root_of(XEINMAL.by_record["evidence.request"])
    )
    assert set(record) == {
        "message_id", "created", "evidence", "register", "purpose", "procedure", "case", "basis", "fields",
        "subject", "on_behalf_of", "representative", "test", "author", "reader",
    }  # fmt: skip
    assert set(record["basis"]) == {"kind", "record", "norm"}
    assert set(record["subject"]) == {
        "idnr", "birth_date", "family_name", "given_name", "town", "postcode",
    }  # fmt: skip
    assert record["basis"]["kind"] == "choice"
    assert record["test"] is True


def test_the_people_of_the_samples_do_not_exist() -> None:
    """Their numbers begin with 0, so nobody has them, and are valid otherwise."""
    numbers = [
        str(number.text)
        for message in SAMPLES.values()
        for number in root_of(message).iter("{urn:einmal:xeinmal:1.0}identifikationsnummer")
    ]
    assert numbers
    assert all(is_idnr(number) and never_issued(number) for number in numbers)


def test_every_shared_part_is_used_by_some_message() -> None:
    """What no message of a standard uses is not kept in its shared file."""
    for folder in (path.parent for path in HOME.parent.glob("*/shared.toml")):
        texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.toml")]
        shared = tomllib.loads((folder / "shared.toml").read_text(encoding="utf-8"))
        for part in shared["part"]:
            assert any(f'part = "{part}"' in text for text in texts), f"{folder.name}: {part}"


def test_an_unknown_root_is_no_message() -> None:
    """Neither another namespace nor another name is taken for one of ours."""
    assert XEINMAL.message_of(parse(b'<anfrage xmlns="urn:einmal:xeinmal:1.0"/>', Limits())) is None
    assert XEINMAL.message_of(parse(b'<nachweis.anfrage.0101 xmlns="urn:other"/>', Limits())) is None


WRONG = {
    "an unknown key": ('content_type = "application/xml"', "content_type = 'a'\ncolour = 'red'", "colour"),
    "a missing key": ('content_type = "application/xml"', "", "content_type"),
    "a missing schema": ('schema = "xeinmal.xsd"', 'schema = "other.xsd"', "schema"),
    "a missing mapping": ('"antwort.0102.toml"', '"other.toml"', "message[2].mapping"),
    "an unknown key of a message": ('number = "0101"', 'nummer = "0101"', "message[1].nummer"),
    "a root that is not the mapping's": (
        'root = "nachweis.antwort.0102"', 'root = "nachweis.antwort.0105"', "message[2].root",
    ),
    "a record twice": ('record = "item.birth"', 'record = "item.residence"', "message.record"),
    "a root twice": (
        'root = "geburtsnachweis"\nmapping = "geburtsnachweis.toml"',
        'root = "meldenachweis"\nmapping = "meldenachweis.toml"',
        "message.when",
    ),
    "no TOML": ("[[message]]", "[[message", "-"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_in_a_manifest_is_named(mistake: str, tmp_path: Path) -> None:
    """File and key; nothing is loaded."""
    was, becomes, key = WRONG[mistake]
    folder = tmp_path / "xeinmal_1_0"
    shutil.copytree(HOME, folder)
    manifest = folder / "manifest.toml"
    text = manifest.read_text(encoding="utf-8")
    assert was in text
    manifest.write_text(text.replace(was, becomes), encoding="utf-8")
    with pytest.raises(MappingInvalid) as found:
        load(folder)
    assert (found.value.file, found.value.key) == ("xeinmal_1_0/manifest.toml", key)


def test_a_standard_loads_from_any_folder(tmp_path: Path) -> None:
    """A copy elsewhere is the same standard: nothing in it depends on where it lies."""
    folder = shutil.copytree(HOME, tmp_path / "copy")
    copy: Standard = load(Path(folder))
    assert copy.language == XEINMAL.language
    assert copy.schema == tmp_path / "copy" / "xeinmal.xsd"
