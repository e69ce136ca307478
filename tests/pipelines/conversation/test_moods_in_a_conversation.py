"""The mood of a clause begins with the clause's first sample, and its mark is neither said, shown nor remembered."""

import pytest
from table import Table

from pipelines.conversation.events import Felt, ReplyText, SayRequested
from pipelines.simulation.exact import Says, SimulatedFace
from pipelines.simulation.paced import PacedVoice

MARKED = "<joy>What a lovely thing to hear from you! <sadness>It will rain today.</sadness> Take an umbrella with you."
PLAIN = "What a lovely thing to hear from you! It will rain today. Take an umbrella with you."
CLAUSES = ("What a lovely thing to hear from you!", "It will rain today.", "Take an umbrella with you.")


class Moody(SimulatedFace):
    """Keeps what it is told of moods."""

    async def animate(self, sound, rate, moods=None):
        self.track, self.rate = moods, rate
        async for frame in super().animate(sound, rate, moods):
            yield frame


def talk(text=MARKED, size=3, **how):
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    table = Table([Says(1.0, "how is the weather")], seconds=30, tokens=pieces, make_face=Moody, **how)
    return table, table.talk()


def moods(notes):
    return [(one.sample, one.mood, one.share) for one in notes.happened if isinstance(one, Felt)]


@pytest.mark.parametrize("size", [1, 3, 200])
def test_no_mark_reaches_text_history_or_captions(size):
    table, notes = talk(size=size, mood="subtle")
    (ledger,) = notes.turns
    assert ledger.reply == ledger.heard == PLAIN
    assert "".join(one.delta for one in notes.happened if isinstance(one, ReplyText)) == PLAIN
    assert table.history.messages()[-1].content == PLAIN


def test_a_mood_begins_at_the_sample_where_its_clause_begins_to_sound():
    table, notes = talk(mood="subtle")
    voice: PacedVoice = table.voice
    lengths = [round(len(clause.split()) * voice._word * voice.rate) for clause in CLAUSES]
    second, third = lengths[0], lengths[0] + lengths[1]
    assert moods(notes) == [(0, "joy", 1.0), (second, "sadness", 1.0), (third, "", 0.0)]


def test_the_face_is_told_of_it_in_seconds_of_the_sound():
    class Recorded(Moody):
        def __init__(self, *of):
            super().__init__(*of)
            faces.append(self)

    faces = []
    table = Table([Says(1.0, "how is the weather")], seconds=30, tokens=[MARKED], make_face=Recorded, mood="full")
    notes = table.talk()
    (face,) = faces
    assert face.track.preference == 1.0
    assert face.track.between(0.0, 1e3) == [
        (sample / face.rate, {mood: share} if mood else {}) for sample, mood, share in moods(notes)
    ]


def test_switched_off_marks_are_taken_out_all_the_same_and_nothing_is_felt():
    _, notes = talk(mood="off")
    assert notes.turns[0].heard == PLAIN
    assert moods(notes) == []


def test_words_tell_the_mood_of_a_model_that_marks_none():
    _, notes = talk("I am sorry, but there is no such thing. Is there anything else?", mood="subtle")
    (first, second) = moods(notes)
    assert first == (0, "sadness", 0.6)
    assert second[1:] == ("", 0.0)


def test_a_program_may_say_something_in_a_mood():
    table = Table([], seconds=12, mood="subtle")
    table.events = [(1.0, lambda at: SayRequested(at=at, text="<amazement>The door is open!"))]
    notes = table.talk()
    assert notes.turns[0].heard == "The door is open!"
    assert moods(notes) == [(0, "amazement", 1.0)]


def test_a_reply_of_marks_alone_has_no_word_to_say():
    _, notes = talk("<joy></joy>", mood="subtle")
    assert any("without a word to say" in str(error) for _, error in notes.faults)
