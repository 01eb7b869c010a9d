"""What an office does by command: make keys, sign grants, explain, ask, judge messages; nobody's data on the screen."""

from __future__ import annotations

import json
from pathlib import Path

from commands import SAMPLES, Einmal


# --- keys and grants ---
def test_a_new_key_is_its_owners_alone_and_never_replaces_one(tmp_path: Path, einmal: Einmal) -> None:
    """0600, the public half on the screen, a second time refused."""
    file = tmp_path / "key.jwk"
    made = einmal("keys", "new", file, "--kid", "somebody")
    assert made.code == 0
    assert json.loads(file.read_text("ascii"))["x"] in made.out
    assert json.loads(file.read_text("ascii"))["d"] not in made.out
    assert file.stat().st_mode & 0o777 == 0o600
    assert einmal("keys", "new", file, "--kid", "somebody").code == 3


def test_a_grant_counts_once_two_people_have_signed_it(home: Path, einmal: Einmal) -> None:
    """Written, refused unsigned, refused with one signature, accepted with two, refused after a change."""
    made = einmal(
        *("grants", "new", "wohngeld-birth", "--consumer", "wohngeldstelle", "--evidence", "birth"),
        *("--register", "personenstandsregister", "--field", "family_name", "--purpose", "housing-benefit"),
        *("--procedure", "wohngeld-antrag", "--basis", "statutory", "--norm", "WoGG § 23"),
        *("--valid-from", "2026-01-01", "--valid-to", "2027-12-31", "--home", home),
    )
    assert made.code == 0
    assert "It is not signed, so it grants nothing yet." in made.out
    file, people = home / "grants" / "wohngeld-birth.toml", home / "keys" / "people"
    assert einmal("check", "--home", home).code == 1
    assert einmal("grants", "sign", file, "--key", people / "leitung-standesamt.jwk").code == 0
    assert "approver" in einmal("check", "--home", home).err
    assert einmal("grants", "sign", file, "--key", people / "datenschutz.jwk").code == 0
    assert einmal("check", "--home", home).code == 0
    assert einmal("grants", "show", "wohngeld-birth", "--json", "--home", home).json["fields"] == [
        "family_name"
    ]
    file.write_text(file.read_text("utf-8").replace("family_name", "birth_date"), "utf-8")
    assert einmal("check", "--home", home).code == 1


def test_signing_twice_takes_nobodys_signature_away(home: Path, einmal: Einmal) -> None:
    """Who has signed this state already changes nothing; a key of nobody's adds nothing."""
    file, people = home / "grants" / "parken.toml", home / "keys" / "people"
    before = file.with_suffix(".sig").read_text("utf-8")
    again = einmal("grants", "sign", file, "--key", people / "datenschutz.jwk")
    assert (again.code, "already" in again.out) == (0, True)
    stranger = einmal("grants", "sign", file, "--key", home / "keys" / "consumers" / "wohngeldstelle.jwk")
    assert (stranger.code, "nobody of that id" in stranger.err) == (2, True)
    assert file.with_suffix(".sig").read_text("utf-8") == before


def test_a_grant_is_written_nowhere_else(home: Path, einmal: Einmal) -> None:
    """Its name is one, not a path."""
    told = einmal(
        *("grants", "new", "../evil", "--consumer", "wohngeldstelle", "--evidence", "birth"),
        *("--register", "personenstandsregister", "--field", "family_name", "--purpose", "housing-benefit"),
        *("--procedure", "wohngeld-antrag", "--basis", "statutory", "--norm", "WoGG § 23"),
        *("--valid-from", "2026-01-01", "--valid-to", "2027-12-31", "--home", home),
    )
    assert told.code == 2
    assert not (home / "evil.toml").exists()


def test_nobody_signs_in_another_name(home: Path, einmal: Einmal) -> None:
    """--as must be the key's own."""
    key = home / "keys" / "people" / "datenschutz.jwk"
    told = einmal(
        "grants", "sign", home / "grants" / "parken.toml", "--key", key, "--as", "leitung-buergeramt"
    )
    assert told.code == 2


# --- deciding and asking ---
EXPLAIN = (
    "explain",
    "--consumer",
    "parkraumbewirtschaftung",
    "--register",
    "melderegister",
    "--evidence",
    "residence",
)


def test_explain_says_yes_or_no_and_why(home: Path, einmal: Einmal) -> None:
    """Exit 0 with the grant, exit 1 with the reason, exit 2 for an unknown name."""
    parking = (*EXPLAIN, "--purpose", "resident-parking", "--home", home)
    assert "grant parken-residence" in einmal(*parking).out
    refused = einmal(*parking, "--field", "religion", "--json")
    assert (refused.code, refused.json["code"], refused.json["fields"]) == (
        1,
        "fields-not-permitted",
        ["religion"],
    )
    assert einmal(*EXPLAIN, "--purpose", "no-such", "--home", home).code == 2


def test_ask_prints_the_checked_reply(played: Path, home: Path, einmal: Einmal) -> None:
    """An answer is exit 0, a refusal exit 1; the same message again gets the same bytes."""
    sent = played / "messages"
    question = min(sent.glob("*-parkraumbewirtschaftung-request.json"))
    answer = einmal("ask", question, "--as", "parkraumbewirtschaftung", "--json", "--home", home)
    assert (answer.code, answer.json["type"]) == (0, "evidence.answer")
    reply = question.with_name(question.name.replace("request", "reply"))
    assert answer.json["body"].encode() == reply.read_bytes()
    early = min(sent.glob("*-kitaverwaltung-request.xml"))
    refusal = einmal("ask", early, "--as", "kitaverwaltung", "--home", home)
    assert refusal.code == 1
    assert "no-basis" in refusal.out


def test_ask_encrypts_and_opens_the_reply(played: Path, home: Path, einmal: Einmal) -> None:
    """With a pair that the office has made; what demands it is refused in the clear and explained so."""
    told = einmal(
        "keys",
        "new",
        home / "keys/consumers/parkraumbewirtschaftung-enc.jwk",
        "--kid",
        "parken-enc",
        "--encryption",
    )
    file, grants = home / "consumers/parkraumbewirtschaftung.toml", home / "grants/parken.toml"
    times = "valid_from = 2026-01-01T00:00:00Z\nvalid_to = 2036-01-01T00:00:00Z"
    jwk = told.out.partition("jwk = ")[2].strip()
    grants.write_text(grants.read_text("utf-8").replace("norm = ", "encrypt = true\nnorm = ", 1), "utf-8")
    for person in ("leitung-buergeramt", "datenschutz"):
        assert einmal("grants", "sign", grants, "--key", home / f"keys/people/{person}.jwk").code == 0
    assert "has no valid key for that" in einmal("check", "--home", home).err
    more = f'\n[[key]]\nkid = "parken-enc"\nuse = "enc"\n{times}\njwk = {jwk}\n'
    file.write_text(file.read_text("utf-8") + more, "utf-8")
    assert einmal("reload", "--home", home).code == 0
    assert "has no valid key for that" not in einmal("check", "--home", home).err
    said = json.loads(min((played / "messages").glob("*-parkraumbewirtschaftung-request.json")).read_bytes())
    asked = []
    for number, how in enumerate(((), ("--encrypt",))):
        new = home / f"question-{number}.json"
        new.write_text(json.dumps(said | {"message_id": f"{number}0000000-0000-4000-8000-000000000000"}))
        asked.append(einmal("ask", new, "--as", "parkraumbewirtschaftung", *how, "--json", "--home", home))
    plain, encrypted = asked
    assert (plain.code, json.loads(plain.json["body"])["code"]) == (1, "encryption-required")
    assert (encrypted.code, encrypted.json["type"]) == (0, "evidence.answer")
    assert encrypted.json["content_type"] == "application/json"
    assert "values" in json.loads(encrypted.json["body"])
    explained = (
        "explain",
        "--consumer",
        "parkraumbewirtschaftung",
        "--register",
        "melderegister",
        "--evidence",
        "residence",
        "--purpose",
        "resident-parking",
        "--home",
        home,
    )
    assert "encryption-required" in einmal(*explained).out
    assert einmal(*explained, "--encrypted").code == 0


def test_ask_encrypts_nothing_that_could_not_be_answered(played: Path, home: Path, einmal: Einmal) -> None:
    """Without a key to open the reply it is wrong usage, and nothing is sent."""
    request = min((played / "messages").glob("*-parkraumbewirtschaftung-request.json"))
    told = einmal("ask", request, "--as", "parkraumbewirtschaftung", "--encrypt", "--home", home)
    assert (told.code, "--encryption-key" in told.err) == (2, True)


def test_ask_sends_nothing_under_a_key_that_is_not_the_consumers(
    played: Path, home: Path, einmal: Einmal
) -> None:
    """Such a request would wait for a reply that never comes."""
    request = sorted((played / "messages").glob("*wohngeldstelle-request.xml"))[0]
    key = home / "keys" / "consumers" / "kitaverwaltung.jwk"
    told = einmal("ask", request, "--as", "wohngeldstelle", "--key", key, "--home", home)
    assert (told.code, "kitaverwaltung-2026" in told.err) == (2, True)


def test_ask_refuses_what_is_no_request(home: Path, tmp_path: Path, einmal: Einmal) -> None:
    """Garbage and unknown endings exit 1, an unknown consumer 2; nothing of the file is printed."""
    file = tmp_path / "r.xml"
    file.write_text("<secret>Geheimnis</secret>", "utf-8")
    told = einmal("ask", file, "--as", "wohngeldstelle", "--home", home)
    assert told.code == 1
    assert "Geheimnis" not in told.out + told.err
    assert einmal("ask", tmp_path / "r.txt", "--as", "wohngeldstelle", "--home", home).code == 1
    assert einmal("ask", file, "--as", "niemand", "--home", home).code == 2


# --- standards ---
def test_an_added_standard_is_told_to_people_and_programs(home: Path, einmal: Einmal) -> None:
    """--json names the set and its files."""
    told = einmal("schemas", "add", SAMPLES.parent, "--json", "--home", home)
    assert told.json["set"]
    assert any(file.endswith(".xsd") for file in told.json["files"])


def test_a_missing_message_hides_no_other_ones_verdict(home: Path, einmal: Einmal) -> None:
    """Every file that is there gets its line; exit 3 for the one that is not."""
    there = SAMPLES / "anfrage.0101.xml"
    told = einmal("schemas", "validate", home / "nowhere.xml", there, "--home", home)
    assert (told.code, told.out.startswith("WARN"), "nowhere.xml" in told.err) == (3, True, True)


def test_messages_are_judged_without_their_values(home: Path, tmp_path: Path, einmal: Einmal) -> None:
    """VALID or WARN is exit 0; INVALID and UNKNOWN are 1, with rule and path and no value."""
    sample = SAMPLES / "anfrage.0101.xml"
    assert einmal("schemas", "validate", sample, "--home", home).code == 0
    broken, unknown = tmp_path / "b.xml", tmp_path / "u.xml"
    broken.write_text(sample.read_text("utf-8").replace("0101</", "Geheimnis</"), "utf-8")
    unknown.write_text("<nobody xmlns='urn:knows'/>", "utf-8")
    told = einmal("schemas", "validate", broken, unknown, "--home", home)
    assert told.code == 1
    assert "INVALID xeinmal" in told.out
    assert "UNKNOWN urn:knows" in told.out
    assert "Geheimnis" not in told.out
