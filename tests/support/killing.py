"""A process that is killed while it works, and what it had told by then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from processes import OWN


async def told_until_killed(work: Callable[..., None], *given: str, count: int) -> list[Any]:
    """Run it in a process of its own and kill that with SIGKILL once it has told so much.

    In: what it does, with what is given and a pipe to tell by. Out: all that it told.
    """
    told, tell = OWN.Pipe(duplex=False)
    process = OWN.Process(target=work, args=(*given, tell))
    process.start()
    tell.close()
    said = [await asyncio.to_thread(told.recv) for _ in range(count)]
    process.kill()
    try:
        while True:
            said.append(await asyncio.to_thread(told.recv))
    except EOFError:
        pass
    await asyncio.to_thread(process.join)
    return said
