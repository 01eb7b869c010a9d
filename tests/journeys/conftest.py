"""One town for the whole run, founded once and copied for each test: opening a copy takes a tenth of a second."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import exempting
import lived_in
import peopled
import pytest
import pytest_asyncio
import rotating
import town as towns
from rotating import Before
from stores import KINDS
from town import Town


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out: a closed home with a policy in force and planted people in its registers. Copy it, don't open it."""
    root = tmp_path_factory.mktemp("founded") / "home"

    async def found() -> None:
        town = await towns.found(root)
        await town.opened.close()

    asyncio.run(found())
    peopled.settle(root)
    return root


@pytest.fixture(scope="session")
def furnished(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Before]:
    """Out: a closed home whose keys were not rotated yet, and what it made. Copy it, don't open it."""
    root = shutil.copytree(founded, tmp_path_factory.mktemp("furnished") / "home")

    async def furnish() -> Before:
        town = await towns.opened(root)
        before = await rotating.furnish(town)
        await town.opened.close()
        return before

    return root, asyncio.run(furnish())


@pytest.fixture
async def town(founded: Path, tmp_path: Path) -> AsyncIterator[Town]:
    """Out: an open town of the test's own."""
    root = tmp_path / "home"
    shutil.copytree(founded, root)
    opened = await towns.opened(root)
    yield opened
    await opened.opened.close()


@pytest.fixture(params=KINDS)
async def shared(request: pytest.FixtureRequest, founded: Path, tmp_path: Path) -> AsyncIterator[Path]:
    """Out: a closed home of the test's own that several processes may open, on each kind of database."""
    root = tmp_path / "home"
    if request.param == "sqlite":
        shutil.copytree(founded, root)
        yield root
        return
    databases = request.getfixturevalue("databases")
    url = databases.bare()
    await (await towns.found(root, storage=url)).opened.close()
    peopled.settle(root)
    yield root


@pytest.fixture
async def kept(town: Town) -> Town:
    """A town where resident parking is kept from its people for five days. It may ask with the IDNr."""
    await exempting.parking_is_exempt(town, exempting.DAYS, by_number=True)
    return town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out: a home that was lived in."""
    root = tmp_path_factory.mktemp("lived") / "home"
    await lived_in.live_in(founded, root)
    return root


@pytest.fixture
def home(lived: Path) -> Iterator[Path]:
    """Out: the home that was lived in, put right again afterwards."""
    with lived_in.put_right(lived):
        yield lived
