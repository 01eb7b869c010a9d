"""What every Witness does (gateway.ports.witness; C2SP tlog-witness), over a simulator that keeps to the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from small_log import SmallShard
from witness import WitnessTown, certified

from adapters.witness import HttpWitness
from gateway.audit import note, tree
from gateway.audit.note import Verifier
from gateway.audit.witness import Cosigned, Declined, Seen, Submission, Why, cosignature
from gateway.errors import WitnessUnavailable
from gateway.ports import Witness

IMPLEMENTATIONS: dict[str, Callable[[str, Verifier, str, float], Witness]] = {"http": HttpWitness}
SOON = 0.2
LONG = 20.0


@pytest.fixture(params=IMPLEMENTATIONS)
def implementation(request: pytest.FixtureRequest) -> Callable[[str, Verifier, str, float], Witness]:
    """How the port is made for a place where a witness stands."""
    return IMPLEMENTATIONS[request.param]


@pytest.fixture
def shard() -> SmallShard:
    """A log of a few lines."""
    made = SmallShard.open("24m", 2026, 11)
    made.add(3)
    return made


@pytest.fixture
def town(shard: SmallShard) -> WitnessTown:
    """A witness that knows this log."""
    return WitnessTown(logs={shard.origin: shard.keys.log.verifier})


@pytest.fixture
async def witness(
    town: WitnessTown, implementation: Callable[[str, Verifier, str, float], Witness]
) -> AsyncIterator[Witness]:
    """The port to it."""
    async with town.served() as url:
        yield implementation("Nachbarstadt", town.signer.cosigner, url, LONG)


def submission(shard: SmallShard, old: int = 0) -> Submission:
    """Out: the shard's head, with its proof."""
    return Submission(old, tuple(shard.nodes().consistency(old)), shard.sign())


class TestWitness:
    async def test_cosigns_what_it_sees_first(
        self, witness: Witness, shard: SmallShard, town: WitnessTown
    ) -> None:
        """Of a log it knows, any checkpoint; the line that comes back holds over it, with its time."""
        asked = submission(shard)
        said = await witness.add(asked)
        assert isinstance(said, Cosigned)
        line = cosignature(asked.checkpoint, said.lines, witness.verifier)
        opened = note.open_note(asked.checkpoint + line, [witness.verifier])
        assert opened.signed == (note.Signed(town.signer.cosigner, town.clock),)

    async def test_cosigns_what_continues_it(self, witness: Witness, shard: SmallShard) -> None:
        """With the proof from the size it cosigned last, also through many tiles."""
        last = 0
        for lines in (1, 4, 300):
            shard.add(lines)
            asked = submission(shard, last)
            said = await witness.add(asked)
            assert isinstance(said, Cosigned)
            last = shard.edge.size

    async def test_the_same_again_is_cosigned_again(self, witness: Witness, shard: SmallShard) -> None:
        """Who lost the answer names the size itself and gets it once more."""
        await witness.add(submission(shard))
        assert isinstance(await witness.add(submission(shard, shard.edge.size)), Cosigned)

    async def test_names_the_size_it_has_seen(self, witness: Witness, shard: SmallShard) -> None:
        """To who says another one."""
        await witness.add(submission(shard))
        seen = shard.edge.size
        shard.add(2)
        assert await witness.add(submission(shard, 3)) == Seen(seen)

    async def test_refuses_another_log_of_the_name(self, witness: Witness, shard: SmallShard) -> None:
        """Two trees of one size, or one that does not begin the other: never both."""
        fork = SmallShard.open("24m", 2026, 11)
        fork.add(3, person="idnr:06898534127", every=2)
        assert (fork.edge.size, fork.edge.root != shard.edge.root) == (shard.edge.size, True)
        await witness.add(submission(shard))
        seen = shard.edge.size
        assert await witness.add(Submission(seen, (), fork.sign())) == Declined(Why.INCONSISTENT)
        fork.add(5)
        assert await witness.add(submission(fork, seen)) == Declined(Why.INCONSISTENT)

    async def test_refuses_what_it_does_not_know(
        self, witness: Witness, shard: SmallShard, town: WitnessTown
    ) -> None:
        """Another log; this one under another key; a size before the one it is said to have seen."""
        asked = submission(shard)
        assert await witness.add(Submission(99, (), asked.checkpoint)) == Declined(Why.MALFORMED)
        thief = note.Signer.from_seed(shard.origin, b"\x55" * 32)
        stolen = note.sign(note.split(asked.checkpoint)[0], thief)
        assert await witness.add(Submission(0, (), stolen)) == Declined(Why.KEY)
        town.logs.clear()
        assert await witness.add(asked) == Declined(Why.UNKNOWN_LOG)
        assert not town.seen


class TestAbsence:
    @pytest.mark.parametrize(
        ("mood", "why"),
        [
            ("elsewhere", "no answer of a witness: status 307"),
            ("endless", "no answer of a witness: too long"),
            ("broken", "no answer of a witness: status 500"),
            ("babbling", "no answer of a witness: signature lines that are no text"),
            ("forgetful", "no answer of a witness: a 409 without a size"),
        ],
    )
    async def test_what_is_no_answer(
        self, witness: Witness, shard: SmallShard, town: WitnessTown, mood: str, why: str
    ) -> None:
        """Is a fault that says so in our words; nobody is sent on elsewhere, or reads without end."""
        town.mood = mood  # type: ignore[assignment]
        with pytest.raises(WitnessUnavailable) as fault:
            await witness.add(submission(shard))
        assert (fault.value.why, fault.value.curable) == (why, True)

    async def test_none_in_time(
        self,
        town: WitnessTown,
        shard: SmallShard,
        implementation: Callable[[str, Verifier, str, float], Witness],
    ) -> None:
        """A witness that takes the request and says nothing is not waited for longer than its time."""
        town.mood = "silent"
        async with town.served() as url:
            witness = implementation("Nachbarstadt", town.signer.cosigner, url, SOON)
            with pytest.raises(WitnessUnavailable, match=r"Nachbarstadt \(no answer within 0.2 seconds\)"):
                await witness.add(submission(shard))

    async def test_nobody_there(
        self,
        town: WitnessTown,
        shard: SmallShard,
        implementation: Callable[[str, Verifier, str, float], Witness],
    ) -> None:
        """Where nobody listens, it can't be reached."""
        async with town.served() as url:
            pass
        witness = implementation("Nachbarstadt", town.signer.cosigner, url, LONG)
        with pytest.raises(WitnessUnavailable, match="it can't be reached"):
            await witness.add(submission(shard))

    # The simulator's side of a handshake that was refused may still be open when the test's loop ends.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    async def test_a_certificate_of_nobody(
        self,
        town: WitnessTown,
        shard: SmallShard,
        implementation: Callable[[str, Verifier, str, float], Witness],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Is not believed; the same one is, once this machine trusts it."""
        tls, certificate = certified(tmp_path)
        async with town.served(tls) as url:
            witness = implementation("Nachbarstadt", town.signer.cosigner, url, LONG)
            with pytest.raises(WitnessUnavailable, match="certificate"):
                await witness.add(submission(shard))
            assert town.asked == 0
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            assert isinstance(await witness.add(submission(shard)), Cosigned)


def test_a_request_has_the_specified_form() -> None:
    """`old <size>`, the proof in base64, an empty line, the note (C2SP tlog-witness, `add-checkpoint`)."""
    asked = Submission(3, (b"\x00" * 32,), "a\n4\nx\n\n— a b\n")
    assert asked.render() == ("old 3\n" + "A" * 43 + "=\n\na\n4\nx\n\n— a b\n").encode()
    assert Submission(0, (), "n").render() == b"old 0\n\nn"
    with pytest.raises(ValueError):
        Submission(3, (tree.EMPTY_ROOT,) * 64, "n").render()
