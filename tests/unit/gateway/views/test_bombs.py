"""A file from anywhere takes no more memory than an export may (gateway.views.export, gateway.audit.verify.reading)."""

from __future__ import annotations

import tracemalloc
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome
from gateway.audit.verify.reading import MOST_ELEMENTS, strict_json
from gateway.views.export import MOST_BYTES, MOST_PROOF_BYTES, NotAnExport, disassemble


def packed(**contents: bytes) -> bytes:
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as bundle:
        for name, body in {"proof": b"{}", "vkeys": b"", **contents}.items():
            place = {"proof": "proof/proof.json", "vkeys": "proof/vkeys.txt"}.get(name, name)
            bundle.writestr(place, body)
    return archive.getvalue()


def test_an_export_of_the_most_it_may_hold_is_read() -> None:
    """The proof has a limit of its own, and so has all of it together; one byte more is one too many."""
    assert (MOST_PROOF_BYTES, MOST_BYTES) == (32_000_000, 128_000_000)
    assert len(disassemble(packed(proof=bytes(MOST_PROOF_BYTES))).proof.document) == MOST_PROOF_BYTES
    with pytest.raises(NotAnExport, match=r"proof\.json: it unpacks to more"):
        disassemble(packed(proof=bytes(MOST_PROOF_BYTES + 1)))
    with pytest.raises(NotAnExport, match="more than an export"):
        disassemble(packed(page=bytes(MOST_BYTES - 1)))


def test_a_file_that_says_it_is_small_is_not_unpacked_whole() -> None:
    """Forty million bytes under the name of ten: no more than the ten, and some to look ahead, are ever in memory."""
    bomb, size = packed(page=bytes(40_000_000)), (40_000_000).to_bytes(4, "little")
    assert bomb.count(size) == 2
    lie = bomb.replace(size, (10).to_bytes(4, "little"))
    tracemalloc.start()
    try:
        with pytest.raises(NotAnExport, match="page: it is damaged"):
            disassemble(lie)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_document_has_no_more_values_than_anybody_s() -> None:
    """Counted before anything is made of them: an empty list takes thirty times its two bytes."""
    most = b'{"v":[' + b"0," * (MOST_ELEMENTS - 3) + b"0]}"
    assert strict_json(most) is not None
    many = b'{"v":[' + b"[]," * MOST_ELEMENTS + b"[]]}"
    tracemalloc.start()
    try:
        assert strict_json(many) is None
        assert verify_export(many).outcome is Outcome.FALSE
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body", [b'{"v":"\\ud800"}', b'{"\\uDFFF":1}', b'{"v":["\\uD83D"]}', b'{"v":"\xed\xa0\x80"}']
)
def test_half_a_character_is_none(body: bytes) -> None:
    """A lone surrogate can be written nowhere: it is refused where it comes in. A pair is a character."""
    assert strict_json(body) is None
    assert strict_json(b'{"v":"\\uD83D\\uDE00 \\\\ud800"}') == {"v": "\N{GRINNING FACE} \\ud800"}


def test_what_is_deeper_than_python_reads_is_none() -> None:
    """A finding, not a traceback."""
    assert strict_json(b'{"v":' + b"[" * 100_000 + b"]" * 100_000 + b"}") is None
