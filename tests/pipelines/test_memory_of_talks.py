"""What the model is told of a talk in which services fail, users interrupt and nothing is understood."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table import TOKENS, Table

from nova.errors import ModelError
from nova.history import INTERRUPTED, UNCLEAR, UNHEARD
from nova.prompts import ChatTemplate
from pipelines.conversation.phrases import Phrases
from pipelines.simulation.exact import Says, SimulatedMind, SimulatedRecognizer, SimulatedVoice
from pipelines.telemetry.ledger import Outcome
from sophia.decisions import Interrupt
from sophia.events import CancelRequested, TextTyped
from sophia.synthesis import VoiceError
from sophia.transcripts import Transcript

APOLOGY = "Sorry, I can't think straight right now."

STRICT = ChatTemplate(
    "{% if messages[0].role == 'system' %}{% set messages = messages[1:] %}{% endif %}"
    "{% for message in messages %}"
    "{% if (message.role == 'user') != (loop.index0 % 2 == 0) or not message.content.strip() %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/…') }}"
    "{% endif %}[{{ message.content }}]{% endfor %}"
)
"""Refuses what the templates of Mistral, Gemma and Llama 2 refuse."""


class Mute(Phrases):
    """Canned sentences that were never synthesised."""

    async def prepare(self, voice, seconds=10.0):
        pass


def mind_with(fates):
    """A mind whose calls end as told, one after the other, and then well."""

    class Moody(SimulatedMind):
        async def reply(self, messages, *offered):
            number = len(self.calls)
            fate = fates[number] if number < len(fates) else None
            count = 0
            async for token in super().reply(messages, *offered):
                if fate == "away" or (isinstance(fate, int) and count == fate):
                    raise ModelError("away")
                if fate == "slow":
                    await asyncio.sleep(0.3)
                count += 1
                yield token

    return Moody


def voice_with(fates):
    """A voice that breaks in the given clauses, counted over the whole talk."""

    class Hoarse(SimulatedVoice):
        said = 0

        async def speak(self, clauses):
            async for chunk in super().speak(clauses):
                if self.said in fates:
                    self.said += 1
                    raise VoiceError("the voice stopped")
                self.said += chunk.last
                yield chunk

    return Hoarse


def told(notes):
    """The fold of the ledgers: what was said and heard, turn by turn."""
    cut = {decision.generation for decision in notes.decisions if isinstance(decision, Interrupt)}
    turns = [
        ledger
        for ledger in notes.ledgers
        if ledger.outcome not in (Outcome.DROPPED, Outcome.JOINED) and (ledger.user or ledger.heard)
    ]
    messages = []
    for ledger in sorted(turns, key=lambda ledger: ledger.generations[-1]):
        dash = INTERRUPTED if ledger.generations[-1] in cut else ""
        messages.append(("user", ledger.user or UNCLEAR))
        messages.append(("assistant", ledger.heard + dash if ledger.heard else UNHEARD))
    if messages and messages[-1] == ("assistant", UNHEARD):
        messages.pop()
    return messages


def remembered(table):
    return [(message.role, message.content) for message in table.history.messages()[1:]]


@pytest.mark.parametrize("phrases", [Phrases, Mute])
def test_the_questions_of_an_outage_stay_apart(phrases):
    class Down(SimulatedMind):
        back = 34.0

        async def reply(self, messages, *offered):
            self.calls.append(list(messages))
            if asyncio.get_running_loop().time() - self.since < self.back:
                raise ModelError("away")
            yield "Fine."

    questions = ["what time is it", "hello are you there", "turn on the kitchen light", "tell me a story"]
    table = Table(
        [Says(1 + 11 * n, text) for n, text in enumerate(questions)],
        seconds=50,
        make_mind=Down,
        make_phrases=phrases,
    )
    Down.since = property(lambda self: table.notes.start)
    notes = table.talk()
    assert [ledger.outcome for ledger in notes.turns] == [Outcome.FAILED] * 3 + [Outcome.REPLIED]
    asked = [(message.role, message.content) for message in table.mind.calls[-1][1:]]
    said = APOLOGY if phrases is Phrases else UNHEARD
    before = [entry for text in questions[:3] for entry in (("user", text), ("assistant", said))]
    assert asked == [*before, ("user", questions[3])]
    assert remembered(table) == [*asked, ("assistant", "Fine.")] == told(notes)


def test_a_late_final_corrects_what_was_asked():
    class Rewords(SimulatedRecognizer):
        """A first pass that mishears, and a last one, a second later, that does not."""

        def push(self, frame):
            for says in self._user.ended_in(frame):
                first = Transcript(says.text.replace("order", "border"), stability=1.0)
                self._loop.call_later(0.06, self._queue.put_nowait, first)
                self._loop.call_later(1.0, self._queue.put_nowait, Transcript(says.text, final=True))

    script = [Says(1.0, "where is my order"), Says(20.0, "tell me a story")]
    table = Table(script, seconds=40, make_recognizer=Rewords)
    notes = table.talk()
    first, _ = notes.turns
    assert first.outcome is Outcome.REPLIED
    assert first.user == "where is my order"
    assert [message.content for message in table.mind.calls[0]][-1] == "where is my border"
    assert [message.content for message in table.mind.calls[-1]][1] == "where is my order"
    assert remembered(table) == told(notes)


TEXTS = st.sampled_from(["what time is it", "where is my order", "stop", "", "tell me a story", "and the blue one"])
SCRIPTS = st.lists(st.tuples(st.floats(0.3, 9.0), TEXTS, st.sampled_from([0.5, 0.8])), min_size=1, max_size=7)
MINDS = st.lists(st.sampled_from([None, None, "away", "slow", 1, 9, 25]), max_size=12)
VOICES = st.sets(st.integers(0, 12), max_size=4)
CLIENT = st.lists(st.tuples(st.floats(0.5, 40.0), st.sampled_from(["typed", "cancel"])), max_size=3)


@settings(max_examples=60, deadline=None)
@given(script=SCRIPTS, minds=MINDS, voices=VOICES, client=CLIENT, phrases=st.sampled_from([Phrases, Phrases, Mute]))
def test_the_history_is_what_was_said_and_heard_whatever_fails(script, minds, voices, client, phrases):
    at, says = 1.0, []
    for gap, text, seconds in script:
        says.append(Says(round(at, 2), text, seconds))
        at += seconds + gap
    makes = {
        "typed": lambda time: TextTyped(at=time, text="and this"),
        "cancel": lambda time: CancelRequested(at=time),
    }
    table = Table(
        says,
        seconds=at + 25,
        tokens=TOKENS,
        make_mind=mind_with(minds),
        make_voice=voice_with(voices),
        make_phrases=phrases,
        events=[(when, makes[what]) for when, what in client],
    )
    notes = table.talk()
    assert table.error is None
    assert remembered(table) == told(notes)
    for messages in (*table.mind.calls, table.history.messages()):
        roles = [message.role for message in messages]
        assert roles[:1] == ["system"]
        assert roles[1:2] in ([], ["user"])
        assert not any(a == b for a, b in pairwise(roles))
        STRICT.render(messages)
