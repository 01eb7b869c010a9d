"""`einmal` and `python -m gateway`: the command, stoppable from its first moment."""

from __future__ import annotations

import sys
from typing import Final, NoReturn

INTERRUPTED: Final = 130
"""128 + SIGINT, as shells count."""


def main() -> NoReturn:
    """Run the command. Ctrl-C while its modules are still being read ends it without a word, as later."""
    try:
        from gateway import cli  # here: it takes a second, in which nobody may see a traceback
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    cli.main()


if __name__ == "__main__":
    main()
