"""A talk whose floor is shared in another way: what the ears, the model, the history and a take know of it."""

import asyncio

from table import Table

from pipelines.conversation.events import AnswerRequested, PolicyChanged, Transcribed
from pipelines.simulation.exact import OracleDetector, Says
from pipelines.takes.reader import ledgers, read_events
from pipelines.takes.writer import TakeWriter
from pipelines.telemetry.ledger import Outcome
from sophia.decisions import Correct, Keep
from sophia.floor_policy import FloorPolicy
from sophia.transcripts import Transcript

ORDER, LATE = Says(1.0, "where is my order"), Says(6.0, "it is late")


def talk(table, *events):
    table.events = list(events)
    return table.talk()


def shared(**policy):
    return lambda at: PolicyChanged(at=at, policy=FloorPolicy(**policy))


def remembered(table):
    return [message.content for message in table.history.messages()][1:]


def test_words_that_nobody_asked_about_are_no_part_of_the_history_until_somebody_does():
    table = Table([ORDER, LATE], seconds=12)
    talk(table, (0.5, shared(answers=False)))
    assert remembered(table) == []
    assert table.mind.calls == []
    assert [ledger.outcome for ledger in table.notes.ledgers] == [Outcome.KEPT] * 2
    table = Table([ORDER, LATE], seconds=32)
    (ledger,) = [
        one
        for one in talk(table, (0.5, shared(answers=False)), (9.0, lambda at: AnswerRequested(at=at))).ledgers
        if one.outcome is Outcome.REPLIED
    ]
    assert remembered(table) == ["where is my order it is late", ledger.heard]
    assert ledger.voice_to_voice > 1.5  # from the last voiced sample, the client's own wait with it
    assert abs(ledger.residue) < 1e-6


def test_late_words_of_what_has_no_answer_are_no_part_of_the_history_either():
    final = Transcript("where is my order", final=True)
    late = (5.0, lambda at: Transcribed(at=at, transcript=final))
    table = Table([Says(1.0, "", seconds=0.8)], seconds=8)
    told = talk(table, (0.5, shared(answers=False)), late)
    assert [decision.text for decision in told.decisions if isinstance(decision, Correct)] == [final.text]
    assert remembered(table) == []


def test_the_detector_is_told_of_a_threshold_whenever_it_changes():
    told = []

    class Asked(OracleDetector):
        def adapt(self, threshold):
            told.append(threshold)

    talk(
        Table([], seconds=4, detector=Asked),
        (0.0, shared(threshold=0.3)),
        (1.0, shared(threshold=0.8)),
        (2.0, shared()),
    )
    assert told[-3:] == [0.3, 0.8, None]


def test_a_take_knows_it_and_its_ledgers_can_be_computed_again(tmp_path):
    table = Table([ORDER, LATE], seconds=32)
    asked = (9.0, lambda at: AnswerRequested(at=at))
    told = talk(table, (0.5, shared(answers=False, ends="silence", silence=0.3)), asked).ledgers

    async def record():
        take = TakeWriter(tmp_path / "take", {}, start=table.notes.start, reply_rate=22_050)
        for happening in table.notes.happened:
            take.told(happening)
        await take.aclose()

    asyncio.run(record())
    events = list(read_events(tmp_path / "take"))
    assert [event.policy.silence for event in events if isinstance(event, PolicyChanged)] == [0.3]
    assert len([event for event in events if isinstance(event, Keep)]) == 2
    assert [again.as_dict() for again in ledgers(tmp_path / "take")] == [ledger.as_dict() for ledger in told]
