"""Schema sets: reading folders and ZIP files, installing, noticing changes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from xoev_schemas.sets import SUMS, Flaw, SchemaSet, Unusable, install, installed, packaged, read

XSD = b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>'


def accept(_: SchemaSet) -> tuple[Flaw, ...]:
    return ()


def folder(tmp_path: Path, name: str = "xbeispiel-1.0") -> Path:
    (tmp_path / name / "xsd").mkdir(parents=True)
    (tmp_path / name / "xsd" / ".xsd").write_bytes(XSD)
    (tmp_path / name / "LICENSE.md").write_bytes(b"free")
    return tmp_path / name


def zipped(tmp_path: Path, members: dict[str, bytes]) -> Path:
    path = tmp_path / "xbeispiel-1.0.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return path


def test_what_is_installed_is_read_back_whole_with_its_sums(tmp_path: Path) -> None:
    """Every file of the set is copied; SHA256SUMS is what `sha256sum --check` reads."""
    home = tmp_path / "home"
    install(folder(tmp_path), home, accept)
    [found] = installed(home)
    assert found.name == "xbeispiel-1.0"
    assert found.flaws == ()
    assert found.files == {"xsd/.xsd": XSD, "LICENSE.md": b"free"}
    lines = (home / "xbeispiel-1.0" / SUMS).read_text().splitlines()
    assert [line.split("  ")[1] for line in lines] == ["LICENSE.md", "xsd/.xsd"]


def test_a_zip_file_is_a_set_named_after_it(tmp_path: Path) -> None:
    """`einmal schemas add bundle.zip` needs no unpacking."""
    path = zipped(tmp_path, {"xsd/a.xsd": XSD})
    assert install(path, tmp_path / "home", accept).files == {"xsd/a.xsd": XSD}
    assert (tmp_path / "home" / "xbeispiel-1.0" / "xsd" / "a.xsd").read_bytes() == XSD


@pytest.mark.parametrize("name", ["../a.xsd", "/a.xsd", "xsd/../../a.xsd", "..\\a.xsd"])
def test_a_zip_file_cannot_write_outside_its_set(tmp_path: Path, name: str) -> None:
    """Members that climb out are refused by name, and nothing is written."""
    path = zipped(tmp_path, {name: XSD})
    with pytest.raises(Unusable, match="outside the set"):
        install(path, tmp_path / "home", accept)
    assert not (tmp_path / "home").exists()


def test_what_is_no_set_is_refused(tmp_path: Path) -> None:
    """A text file, an empty folder and a ZIP file without schemas are none."""
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "a.txt", tmp_path / "missing", zipped(tmp_path, {"a.txt": b"x"})):
        with pytest.raises(Unusable):
            read(path)
    with pytest.raises(Unusable, match="no schema file"):
        install(tmp_path / "empty", tmp_path / "home", accept)


def test_a_set_that_is_not_usable_leaves_nothing_behind(tmp_path: Path) -> None:
    """The judge's flaws are all told."""
    flaw = Flaw("xbeispiel-1.0", "xsd/.xsd", "wants file b.xsd")
    with pytest.raises(Unusable, match=r"xbeispiel-1\.0/xsd/\.xsd: wants file b\.xsd"):
        install(folder(tmp_path), tmp_path / "home", lambda _: (flaw,))
    assert installed(tmp_path / "home") == ()


def test_installing_the_same_again_is_no_error_and_other_files_are(tmp_path: Path) -> None:
    """A set is never overwritten."""
    source, home = folder(tmp_path), tmp_path / "home"
    install(source, home, accept)
    install(source, home, accept)
    (source / "LICENSE.md").write_bytes(b"changed")
    with pytest.raises(Unusable, match="installed already"):
        install(source, home, accept)
    assert (home / "xbeispiel-1.0" / "LICENSE.md").read_bytes() == b"free"


@pytest.mark.parametrize("change", ["edit", "add", "remove"])
def test_a_change_after_installing_is_named(tmp_path: Path, change: str) -> None:
    """A changed, added or missing file is a flaw of the set, by its name."""
    home = tmp_path / "home"
    install(folder(tmp_path), home, accept)
    file = home / "xbeispiel-1.0" / {"add": "other.xsd", "edit": "xsd/.xsd", "remove": "LICENSE.md"}[change]
    if change == "remove":
        file.unlink()
    else:
        file.write_bytes(XSD + b" ")
    [found] = installed(home)
    assert str(file.relative_to(home / "xbeispiel-1.0")) in [flaw.file for flaw in found.flaws]


def test_a_set_whose_schemas_are_gone_is_not_passed_over(tmp_path: Path) -> None:
    """An installed folder without a schema is a flaw, not no set."""
    install(folder(tmp_path), tmp_path / "home", accept)
    (tmp_path / "home" / "xbeispiel-1.0" / "xsd" / ".xsd").unlink()
    [found] = installed(tmp_path / "home")
    assert [flaw.wrong for flaw in found.flaws] == ["holds no schema file (.xsd)"]


@pytest.mark.parametrize("member", [b"damaged", b"encrypted"])
def test_a_zip_file_that_cannot_be_read_is_refused(tmp_path: Path, member: bytes) -> None:
    """A wrong checksum and a password are told as what they are."""
    path = zipped(tmp_path, {"a.xsd": XSD})
    packed = bytearray(path.read_bytes())
    if member == b"damaged":
        packed[40] ^= 1
    else:
        packed[6] |= 1
        packed[packed.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(packed)
    with pytest.raises(Unusable, match="damaged or encrypted"):
        read(path)


def test_what_a_crash_left_does_not_get_into_the_set(tmp_path: Path) -> None:
    """A half-copied set is invisible, and gone once the set is installed."""
    home = tmp_path / "home"
    (home / ".xbeispiel-1.0.new").mkdir(parents=True)
    (home / ".xbeispiel-1.0.new" / "old.xsd").write_bytes(XSD)
    assert installed(home) == ()
    install(folder(tmp_path), home, accept)
    assert [one.flaws for one in installed(home)] == [()]
    assert [entry.name for entry in home.iterdir()] == ["xbeispiel-1.0"]


@pytest.mark.parametrize("name", [".hidden", "a b", "é"])
def test_a_set_has_a_plain_name(tmp_path: Path, name: str) -> None:
    """It becomes a folder and a word in messages."""
    with pytest.raises(Unusable, match="no name for a set"):
        install(folder(tmp_path, name), tmp_path / "home", accept)


def test_the_packaged_sets_are_sound() -> None:
    """Every packaged set is read without a flaw."""
    assert [flaw for one in packaged() for flaw in one.flaws] == []
    assert any("xml.xsd" in one.files for one in packaged())
