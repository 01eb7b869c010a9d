"""The watch over logs and exceptions finds what it is there for; a run with it in would fail."""

from __future__ import annotations

import asyncio
import logging
import threading

import planted
import pytest
from watch import Watch, WatchHandler

from gateway import telemetry
from gateway.errors import RegisterProtocol

EVERY = pytest.mark.parametrize("marker", planted.MARKERS)


def telling(text: str) -> RegisterProtocol:
    """Out: a fault of ours that says more than it may."""
    return RegisterProtocol(text)


@EVERY
def test_a_planted_word_in_a_log_line_is_found(marker: str) -> None:
    """Whatever library writes it, at whatever level."""
    watch = Watch()
    log = logging.getLogger("some.library")
    handler = WatchHandler(watch)
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.debug("row of %s read", marker)
    log.removeHandler(handler)
    assert watch.lines == 1
    assert watch.found


@EVERY
def test_a_planted_word_in_a_line_of_ours_is_found(marker: str) -> None:
    """Our own lines go through an allow-list of keys; what gets through it is scanned."""
    watch = Watch()
    watch.write(f'{{"event":"unforeseen","where":"{marker}"}}\n')
    assert watch.found == ["a log line shows a planted word"]


def test_a_line_without_one_is_left_alone() -> None:
    """The watch finds what was planted and nothing else."""
    watch = Watch()
    watch.write('{"event":"unforeseen","where":"melderegister"}\n')
    assert (watch.lines, watch.found) == (1, [])


@EVERY
def test_a_planted_word_in_an_exception_is_found_wherever_it_hides(marker: str) -> None:
    """In its text, in a note, in its cause, in the context that a log would print with it."""
    noted = RegisterProtocol("melderegister")
    noted.add_note(f"row {marker}")
    caused = RegisterProtocol("melderegister")
    caused.__cause__ = ValueError(marker)
    chained = RegisterProtocol("melderegister")
    chained.__context__ = ValueError("row", marker)
    for error in (telling(marker), noted, caused, chained):
        watch = Watch()
        watch.saw(error, "here")
        assert len(watch.found) == 1


def test_what_was_raised_from_none_is_not_shown_and_not_held_against_us() -> None:
    """`raise … from None` is how a foreign text is kept out."""
    watch = Watch()
    cut = RegisterProtocol("melderegister")
    cut.__context__ = ValueError(planted.IDNR)
    cut.__suppress_context__ = True
    watch.saw(cut, "here")
    assert (watch.exceptions, watch.found) == (1, [])


def test_an_exception_of_ours_that_passes_our_frames_is_seen() -> None:
    """Caught or not, and in threads that start meanwhile."""
    watch = Watch()

    def raises() -> None:
        _raising_in_our_frame(telling(planted.STREET))

    with watch.following():
        thread = threading.Thread(target=raises)
        thread.start()
        thread.join()
        raises()
    assert watch.exceptions >= 2
    assert len(watch.found) == watch.exceptions
    assert all("shows a planted word" in place for place in watch.found)


def _raising_in_our_frame(error: Exception) -> None:
    """Run a few lines as if one of our modules had them."""
    code = compile("try:\n    raise error\nexcept Exception:\n    caught = True\n", "ours", "exec")
    known: dict[str, object] = {"__name__": "gateway.of_this_test", "error": error}
    exec(code, known)
    assert known["caught"]


def test_it_stops_when_it_is_told_to() -> None:
    """After the test that asked for it nothing is followed any more."""
    watch = Watch()
    with watch.following():
        pass
    _raising_in_our_frame(telling(planted.STREET))
    assert watch.exceptions == 0


def test_our_log_drops_what_is_not_on_its_list(exceptions_watched: Watch) -> None:
    """A key that may not be logged is dropped; the line itself is written, and scanned."""
    lines, found = exceptions_watched.lines, len(exceptions_watched.found)
    telemetry.logger().error("unforeseen", name=planted.FAMILY_NAME, attempt=1)
    assert exceptions_watched.lines == lines + 1
    assert len(exceptions_watched.found) == found


def test_what_an_asynchronous_frame_raises_is_seen() -> None:
    """Coroutines of ours are frames of ours."""
    watch = Watch()

    async def main() -> None:
        _raising_in_our_frame(telling(planted.TOWN))

    with watch.following():
        asyncio.run(main())
    assert len(watch.found) == 1


def test_what_we_raise_is_seen_whatever_its_type_and_what_only_passes_is_not() -> None:
    """A plain ValueError of our own wording is ours; a library's own, caught where it is mapped, is not yet."""
    watch = Watch()
    with watch.following():
        _raising_in_our_frame(ValueError(planted.TOWN))
    assert len(watch.found) == 1
    passing = compile("try:\n    int(word)\nexcept ValueError:\n    pass\n", "ours", "exec")
    with watch.following():
        exec(passing, {"__name__": "gateway.of_this_test", "word": planted.TOWN})
    assert len(watch.found) == 1
