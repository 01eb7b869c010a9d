"""The thread that writes in groups."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from threading import Event

import pytest

from adapters.grouped import GroupedWriter, WriterClosed


class Told(Exception):
    """What a failed job's caller gets."""


class Recorder:
    """Writes groups of numbers when it may; odd ones come back doubled, 13 breaks its group."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.may = Event()
        self.may.set()
        self.busy = Event()

    def write(self, jobs: Sequence[int]) -> Sequence[int]:
        self.busy.set()
        assert self.may.wait(20)
        self.groups.append(list(jobs))
        if 13 in jobs:
            raise ValueError("content that must not travel")
        return [job * 2 for job in jobs]


@pytest.fixture
def recorder() -> Recorder:
    """What does the writing."""
    return Recorder()


@pytest.fixture
def writer(recorder: Recorder) -> Iterator[GroupedWriter[int, int]]:
    """A writer whose jobs weigh what they are, at most 10 in a group."""
    writer: GroupedWriter[int, int] = GroupedWriter(
        "test",
        recorder.write,
        fault=lambda error: Told(type(error).__name__),
        weight=lambda job: job,
        most=10,
    )
    yield writer
    recorder.may.set()
    writer.close()


async def behind(
    recorder: Recorder, writer: GroupedWriter[int, int], *jobs: int
) -> list[int | BaseException]:
    """Submit a first job, and the others while it is being written."""
    recorder.may.clear()
    first = asyncio.create_task(writer.submit(0))
    await asyncio.to_thread(recorder.busy.wait, 20)
    others = [asyncio.create_task(writer.submit(job)) for job in jobs]
    await asyncio.sleep(0)
    recorder.may.set()
    results = await asyncio.gather(*others, return_exceptions=True)
    assert await first == 0
    return results


async def test_a_single_job_goes_alone_and_at_once(
    recorder: Recorder, writer: GroupedWriter[int, int]
) -> None:
    """Nobody waits for company."""
    assert await writer.submit(3) == 6
    assert recorder.groups == [[3]]


async def test_what_came_meanwhile_is_one_group_in_order(
    recorder: Recorder, writer: GroupedWriter[int, int]
) -> None:
    """Each gets its own result."""
    assert await behind(recorder, writer, 3, 1, 2, 4) == [6, 2, 4, 8]
    assert recorder.groups == [[0], [3, 1, 2, 4]]


async def test_a_group_weighs_no_more_than_it_may(
    recorder: Recorder, writer: GroupedWriter[int, int]
) -> None:
    """The one that is too much begins the next group; one that is too much by itself goes alone."""
    assert await behind(recorder, writer, 5, 4, 3, 50, 1) == [10, 8, 6, 100, 2]
    assert recorder.groups == [[0], [5, 4], [3], [50], [1]]


async def test_a_broken_group_tells_each_of_its_callers(
    recorder: Recorder, writer: GroupedWriter[int, int]
) -> None:
    """An exception of its own, made by `fault`; the next group is written as if nothing had been."""
    results = await behind(recorder, writer, 1, 13, 2)
    assert [str(result) for result in results] == ["2", "ValueError", "4"]
    one, other = await asyncio.gather(writer.submit(13), writer.submit(13), return_exceptions=True)
    assert isinstance(one, Told)
    assert isinstance(other, Told)
    assert one is not other
    assert await writer.submit(2) == 4


async def test_closing_writes_what_is_waiting(recorder: Recorder, writer: GroupedWriter[int, int]) -> None:
    """Nothing submitted before is lost; nothing after is accepted."""
    recorder.may.clear()
    jobs = [asyncio.create_task(writer.submit(job)) for job in (1, 2, 3)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(writer.close))
    recorder.may.set()
    await closing
    assert await asyncio.gather(*jobs) == [2, 4, 6]
    with pytest.raises(Told, match=WriterClosed.__name__):
        await writer.submit(4)


async def test_a_result_may_be_an_exception_for_one(recorder: Recorder) -> None:
    """A job that is turned away with an exception leaves the others of its group their results."""
    writer: GroupedWriter[int, int | Exception] = GroupedWriter(
        "test", lambda jobs: [job if job else Told("zero") for job in jobs], fault=lambda error: error
    )
    results = await asyncio.gather(
        writer.submit(1), writer.submit(0), writer.submit(2), return_exceptions=True
    )
    writer.close()
    assert results[0] == 1
    assert isinstance(results[1], Told)
    assert results[2] == 2
    del recorder


async def test_as_many_as_had_come_together_are_waited_for_and_no_longer() -> None:
    """After a group of three the next one is written when three are there again, though it could wait for an hour;
    and one that is alone by then goes when the writer closes."""
    recorder = Recorder()
    patient: GroupedWriter[int, int] = GroupedWriter(
        "test", recorder.write, fault=lambda error: error, linger_seconds=3600
    )
    await behind(recorder, patient, 1, 2, 3)
    assert await asyncio.gather(*(patient.submit(job) for job in (4, 5, 6))) == [8, 10, 12]
    assert recorder.groups == [[0], [1, 2, 3], [4, 5, 6]]
    last = asyncio.create_task(patient.submit(7))
    await asyncio.sleep(0)
    await asyncio.to_thread(patient.close)
    assert await last == 14
