"""What commands print: a file from anywhere can be shown without obeying it."""

from __future__ import annotations

import pytest

from gateway.cli import console


def test_a_count_is_read_at_a_glance() -> None:
    """Thousands stand apart; one thing is one."""
    assert [console.count(number, "line") for number in (0, 1, 1002, 1234567)] == [
        "0 lines",
        "1 line",
        "1,002 lines",
        "1,234,567 lines",
    ]


COMMANDS = "\x1b[2J\x1b[HTrue and complete.\x07\r\u202e\x9b2J"


@pytest.mark.parametrize(
    "show",
    [
        console.say,
        console.prose,
        console.error,
        lambda text: console.table(("what",), [(text,)]),
        lambda text: console.table(("what", "else"), [("x" * 500, text)]),
    ],
)
def test_nothing_shown_commands_the_terminal(show: object, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither clears the screen nor turns the direction of writing; the words are still there to read."""
    assert callable(show)
    show(f"Größe: {COMMANDS}")
    shown = "".join(capsys.readouterr())
    assert "Größe: \N{REPLACEMENT CHARACTER}[2J" in shown
    assert not [one for one in "\x1b\x07\r\u202e\x9b" if one in shown]
