"""A mood is heard where the service can do it, and nothing is asked of one that cannot."""

from xml.etree import ElementTree

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from riva_voice import collect, connected, plain, served

from pipelines.embedded.speech.voice.ssml import parts
from sophia.mood_clauses import Clause, Mood
from sophia.mood_voice import PROSODY, Ability, Delivery, deliver, reads_ssml
from sophia.moods import MOODS

ARIA = "Magpie-Multilingual.EN-US.Aria"
MAGPIE = Ability((ARIA, f"{ARIA}.Happy", f"{ARIA}.Sad", "Magpie-Multilingual.EN-US.Ray.Angry"))
READER = Ability(("English-US.Female-1",), ssml=True)
JOY = Mood("joy", 1.0)


def test_a_full_mood_takes_the_voices_variant_if_the_service_lists_it():
    assert deliver("Hi.", JOY, "full", ARIA, MAGPIE) == Delivery(f"{ARIA}.Happy", "Hi.")
    assert deliver("Hi.", Mood("grief", 1.0), "full", f"{ARIA}.Neutral", MAGPIE).voice == f"{ARIA}.Sad"
    assert deliver("Hi.", JOY, "full", ARIA.lower(), MAGPIE).voice == f"{ARIA}.Happy"
    for mood in ("anger", "outofbreath"):  # of another speaker, of nobody
        assert deliver("Hi.", Mood(mood, 1.0), "full", ARIA, MAGPIE) == Delivery(ARIA, "Hi.")
    assert deliver("Hi.", JOY, "subtle", ARIA, MAGPIE) == Delivery(ARIA, "Hi.")
    assert deliver("Hi.", JOY, "full", "", MAGPIE) == Delivery("", "Hi.")


def test_speed_and_pitch_go_to_a_service_that_reads_ssml():
    said = deliver("I'm glad & <well>.", JOY, "full", "", READER).text
    assert said == ('<speak><prosody rate="106%" pitch="+14.0Hz">I\'m glad &amp; &lt;well&gt;.</prosody></speak>')
    assert 'rate="103%" pitch="+7.0Hz"' in deliver("Hi.", JOY, "subtle", "", READER).text
    assert 'rate="94%" pitch="-7.2Hz"' in deliver("Hi.", Mood("sadness", 0.6), "full", "", READER).text
    assert deliver("Hi.", JOY, "off", "", READER) == deliver("Hi.", Mood(), "full", "", READER) == Delivery("", "Hi.")


def test_who_reads_ssml():
    assert reads_ssml("fastpitch_hifigan_ensemble-English-US")
    assert reads_ssml("hibari-en-US-embedded")
    assert not reads_ssml("magpie_tts_ensemble-Magpie-Multilingual")
    assert not reads_ssml("")


@given(
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs"))),
    st.sampled_from(MOODS),
    st.floats(0.0, 1.0),
    st.sampled_from(["subtle", "full"]),
)
def test_what_is_asked_for_is_ssml_that_the_embedded_voice_takes(text, mood, share, showing):
    said = deliver(text, Mood(mood, share), showing, "", READER).text
    assert "".join(ElementTree.fromstring(said).itertext()) == text
    assert "".join(part.text for part in parts(said)) == text


def test_every_mood_has_a_way_of_speaking_and_none_is_far_from_her_own():
    assert tuple(PROSODY) == MOODS
    assert all(0.85 <= rate <= 1.1 and abs(pitch) <= 16.0 for rate, pitch in PROSODY.values())


async def moody(*clauses):
    for text, mood in clauses:
        yield Clause(text, Mood(mood, 1.0 if mood else 0.0))


@pytest.fixture
async def spoken(pki):
    async with served(pki) as service, connected(service, pki) as make:
        yield service, make


async def test_each_clause_is_asked_for_in_its_own_mood(spoken):
    service, make = spoken
    service.models = ("fastpitch-en",)
    voice = make("full")
    heard = await collect(voice.speak(moody(("Well.", ""), ("How nice.", "joy"), ("Anyway.", ""))))
    assert [call.startswith("<speak>") for call in service.calls] == [False, True, False]
    assert [chunk.text for chunk in heard if chunk.last] == ["Well.", "How nice.", "Anyway."]


async def test_a_service_is_asked_once_what_it_can_do(spoken):
    service, make = spoken
    voice = make("full")
    await collect(voice.speak(moody(("How nice.", "joy"), ("How sad.", "sadness"))))
    assert service.calls == ["How nice.", "How sad."]  # this one is a magpie without variants
    assert voice._ability == Ability(("Magpie.EN-US.Aria", "Magpie.EN-US.Ray"))


async def test_a_service_that_refuses_is_asked_plainly_and_no_clause_is_lost(spoken):
    service, make = spoken

    async def no_ssml(text, context):
        if text.startswith("<speak>"):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no SSML here")
        async for answer in plain(text, context):
            yield answer

    service.script = no_ssml
    service.models = ("fastpitch-en",)
    voice = make("full")
    heard = await collect(voice.speak(moody(("How nice.", "joy"), ("How sad.", "sadness"))))
    assert [chunk.text for chunk in heard if chunk.last] == ["How nice.", "How sad."]
    assert service.calls[1:] == ["How nice.", "How sad."]
