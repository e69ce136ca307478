"""The checker of promises: silent over conversations whose services fail, and it finds each breach that is planted."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.checker import RECENT, Checker, check
from benchmarks.soak.virtual import soak
from nova.history import History
from pipelines.conversation.events import GenerationOver, PlayoutStarted, TurnEnded
from pipelines.telemetry.ledger import Ledger, Outcome
from sophia.decisions import Begin, Drop, Interrupt, Start
from sophia.played import Piece

pytestmark = pytest.mark.timeout(180)
NOTHING = np.zeros(4, np.int16)


def begin(turn: int = 1) -> Begin:
    return Begin(at=0.0, reason="", turn=turn, origin="voice", onset=0.0)


def start(number: int, turn: int = 1) -> Start:
    return Start(at=0.0, reason="", turn=turn, generation=number, text="where is it")


def over(number: int) -> GenerationOver:
    return GenerationOver(at=1.0, generation=number, text="Here.", heard="Here.")


def ended(turn: int = 1, outcome: Outcome | None = Outcome.REPLIED, heard: str = "Here.", **marks: float) -> TurnEnded:
    return TurnEnded(at=1.0, ledger=Ledger(turn, outcome=outcome, heard=heard, marks=dict(marks)))


GOOD = (begin(), start(1), over(1), ended())


def test_a_conversation_that_keeps_its_promises_is_passed_over() -> None:
    checker = Checker()
    for happening in GOOD:
        checker.told(happening)
    checker.close()
    assert checker.breaches == []
    assert checker.turns == 1


@pytest.mark.parametrize(
    ("told", "breach"),
    [
        ((*GOOD, ended()), "turn 1 ended, and was not open"),
        ((begin(), start(1), over(1)), "turns without an end: [1]"),
        ((begin(), start(1), ended()), "generations without an end: [1]"),
        ((*GOOD, over(1)), "generation 1 was over, and was not being made"),
        ((*GOOD, begin(1)), "turn 1 began after turn 1"),
        ((begin(), start(1), start(1), over(1), ended()), "generation 1 twice"),
        ((begin(), start(1), over(1), ended(outcome=None)), "without an outcome"),
        ((begin(), start(1), over(1), ended(heard="")), "counts as replied, and nothing was heard"),
        ((begin(), start(1), over(1), ended(outcome=Outcome.BROKEN)), "broke off without a fault"),
        ((*GOOD, PlayoutStarted(1, 2.0)), "generation 1 sounded after its fence (over)"),
    ],
)
def test_each_breach_is_told(told: tuple[object, ...], breach: str) -> None:
    checker = Checker()
    for happening in told:
        checker.told(happening)  # type: ignore[arg-type]
    checker.close()
    assert any(breach in line for line in checker.breaches), checker.breaches


@pytest.mark.parametrize("fence", [Drop, Interrupt])
def test_a_sample_behind_a_fence_is_told(fence: type) -> None:
    checker = Checker()
    for happening in (begin(), start(1), fence(at=0.5, reason="", turn=1, generation=1)):
        checker.told(happening)
    checker.sounded(NOTHING, 0.6, [])  # a ramp is nobody's
    assert checker.breaches == []
    checker.sounded(NOTHING, 0.6, [Piece(1, 0, 0, 4)])
    assert checker.breaches == [f"generation 1 sounded after its fence ({fence.__name__.lower()})"]


def test_sound_that_goes_back_to_an_older_reply_is_told() -> None:
    checker = Checker()
    for happening in (begin(), start(1), start(2)):
        checker.told(happening)
    for number in (2, 1):
        checker.sounded(NOTHING, 0.6, [Piece(number, 0, 0, 4)])
    assert checker.breaches == ["generation 1 sounded after generation 2"]


def test_contributions_that_miss_the_wait_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = {"voice_end": 1.0, "started": 1.2, "played": 1.5}
    honest = [begin(), start(1), over(1), ended(**marks)]
    assert not check(honest[:3], [honest[3].ledger])  # type: ignore[union-attr]
    monkeypatch.setattr(Ledger, "contributions", lambda self: {"endpointing": 0.2, "playout": 0.2})
    (line,) = check(honest[:3], [honest[3].ledger])  # type: ignore[union-attr]
    assert "add up to 0.4000 s, voice-to-voice is 0.5000 s" in line


def test_a_history_that_lacks_what_was_heard_is_told() -> None:
    history = History("You are Nova.")
    checker = Checker(history)
    for happening in (begin(), start(1), over(1)):
        checker.told(happening)
    history.user(1, "where is it")
    history.assistant(1, "Somewhere else.")
    checker.told(ended())
    assert checker.breaches == ["turn 1: the history lacks “Here.”"]


def test_it_does_not_grow_with_the_conversation() -> None:
    checker = Checker()
    for turn in range(1, 5 * RECENT):
        for happening in (begin(turn), start(turn, turn), over(turn), ended(turn)):
            checker.told(happening)
    assert len(checker._fenced) <= RECENT
    assert not checker._open
    assert not checker._making


@pytest.mark.parametrize("seed", range(3))
def test_conversations_keep_their_promises_though_every_fourth_request_fails(seed: int) -> None:
    found = soak(0.03, 3, seed, fails=0.25)
    assert found["breaches"] == []
    assert set(found["faults"]) >= {"llm", "tts"}
    assert found["outcomes"]["replied"] > 5


def test_a_run_can_be_had_again_by_its_seed() -> None:
    first, second = (soak(0.01, 2, 5, fails=0.25) for _ in range(2))
    assert first["outcomes"] == second["outcomes"]
    assert first["faults"] == second["faults"]
