"""SSML, pronunciations and the custom dictionary: what is honoured, and that the rest is refused in words."""

from __future__ import annotations

import contextlib
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.embedded.speech.voice.pronunciation import Unpronounceable, sounds_of
from pipelines.embedded.speech.voice.speakable import sentences, speakable
from pipelines.embedded.speech.voice.ssml import FASTEST, LOUDEST, MOST_HERTZ, SLOWEST, BadSsml, is_ssml, parts
from pipelines.embedded.speech.voice.utterances import dictionary_from, utterances


def said(text: str, dictionary: dict[str, str] | None = None) -> list[tuple[str, float, float, float]]:
    return [
        (u.sentence, round(u.manner.rate, 3), u.manner.pitch, u.manner.gain)
        for u in utterances(text, dictionary or {})
        if not u.pause
    ]


def test_prosody_is_a_manner() -> None:
    text = (
        "<speak><prosody pitch='2.5'>Today is a sunny day</prosody>. "
        "<prosody rate='high' volume='+1dB'>But it might rain tomorrow.</prosody></speak>"
    )
    assert said(text) == [
        ("Today is a sunny day", 1.0, 125.0, 0.0),
        ("But it might rain tomorrow.", 1.25, 0.0, 1.0),
    ]


@pytest.mark.parametrize(
    ("attribute", "manner"),
    [
        ("rate='35%'", (0.35, 0, 0)),
        ("rate='+200%'", (2.0, 0, 0)),
        ("rate='+20%'", (1.2, 0, 0)),
        ("rate='-25%'", (0.75, 0, 0)),
        ("rate='x-fast'", (1.75, 0, 0)),
        ("pitch='+1.8'", (1.0, 90, 0)),
        ("pitch='-50Hz'", (1.0, -50, 0)),
        ("pitch='low'", (1.0, -30, 0)),
        ("volume='-6dB'", (1.0, 0, -6)),
        ("volume='silent'", (1.0, 0, -120)),
    ],
)
def test_values_that_riva_takes(attribute: str, manner: tuple[float, float, float]) -> None:
    assert said(f"<speak><prosody {attribute}>Hi</prosody></speak>") == [("Hi", *manner)]


DEEP = 30


@pytest.mark.parametrize("attribute", ["rate='25%'", "rate='250%'", "pitch='3'", "pitch='-150Hz'", "volume='8dB'"])
def test_nested_prosody_stays_within_what_a_voice_can_do(attribute: str) -> None:
    """A quarter of a quarter, thirty times, would keep the voice busy for ever."""
    tag = f"<prosody {attribute}>"
    with pytest.raises(BadSsml, match="together"):
        utterances(f"<speak>{tag * DEEP}a{'</prosody>' * DEEP}</speak>", {})


@pytest.mark.parametrize("level", ["strong", "moderate", "reduced"])
@pytest.mark.parametrize("around", ["", "<prosody rate='250%' pitch='150Hz' volume='8dB'>", "<prosody rate='25%'>"])
def test_nested_emphasis_goes_as_far_as_a_voice_can(level: str, around: str) -> None:
    tag = f"<emphasis level='{level}'>"
    end = "</emphasis>" * DEEP + ("</prosody>" if around else "")
    [one] = utterances(f"<speak>{around}{tag * DEEP}a{end}</speak>", {})
    assert SLOWEST <= one.manner.rate <= FASTEST
    assert abs(one.manner.pitch) <= MOST_HERTZ
    assert one.manner.gain <= LOUDEST


@pytest.mark.parametrize(
    "before", ["<!DOCTYPE s [<!ENTITY a 'x'>]>", "<?xml version='1.0'?><!DOCTYPE s>", "<!-- a --> <!DOCTYPE s>"]
)
def test_a_document_with_declarations_is_refused_and_not_read_aloud(before: str) -> None:
    with pytest.raises(BadSsml, match="declare"):
        utterances(f"{before}<speak>&a;</speak>", {})


def test_comments_and_an_xml_declaration_may_stand_before() -> None:
    assert said("<?xml version='1.0'?>\n<!-- c --><speak>Hi</speak>") == [("Hi", 1, 0, 0)]
    assert said("<!-- c --> <speak>Hi</speak>") == [("Hi", 1, 0, 0)]


def test_nested_styles_add_up() -> None:
    inner = "<prosody rate='200%'>a <prosody rate='50%' volume='loud'>b</prosody> c</prosody>"
    assert said(f"<speak>{inner}</speak>") == [("a", 2, 0, 0), ("b", 1, 0, 4), ("c", 2, 0, 0)]


def test_breaks_sentences_and_substitutes() -> None:
    text = (
        "<speak><s>One</s><s>Two!</s>three<break time='250ms'/>four<break strength='strong'/>"
        "<sub alias='World Wide Web'>WWW</sub></speak>"
    )
    assert [(u.sentence, u.pause) for u in utterances(text, {})] == [
        ("One.", 0.0), ("Two!", 0.0), ("three", 0.0), ("", 0.25), ("four", 0.0), ("", 0.75), ("World Wide Web", 0.0),
    ]  # fmt: skip


def test_the_same_word_in_two_pronunciations() -> None:
    text = (
        "<speak>You say <phoneme alphabet='ipa' ph='təˈmeɪˌtoʊ'>tomato</phoneme>, "
        "I say <phoneme alphabet='x-arpabet' ph='{@T}{@AH0}{@M}{@AA1}{@T}{@OW0}'>tomato</phoneme>.</speak>"
    )
    [one] = utterances(text, {})
    assert one.sentence == "You say tomato, I say tomato."
    assert one.manner.phones == ((2, "t ax0 m ey1 t ow0"), (5, "t ax0 m aa1 t ow0"))


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        ("<voice name='x'>Hi</voice>", "<voice> is not supported"),
        ("<say-as interpret-as='date'>1.2.</say-as>", "<say-as> is not supported"),
        ("<audio src='x.wav'/>", "<audio> is not supported"),
        ("<prosody rate='300%'>Hi</prosody>", "outside 25% to 250%"),
        ("<prosody rate='-90%'>Hi</prosody>", "outside 25% to 250%"),
        ("<prosody rate='quick'>Hi</prosody>", "neither a percentage"),
        ("<prosody pitch='4'>Hi</prosody>", "outside -3 to 3"),
        ("<prosody pitch='+10%'>Hi</prosody>", "neither a number"),
        ("<prosody volume='20dB'>Hi</prosody>", "outside -13dB to 8dB"),
        ("<prosody contour='(0%,+20Hz)'>Hi</prosody>", "no contour"),
        ("<break time='1h'/>Hi", "neither in s nor in ms"),
        ("<break time='60s'/>Hi", "longer than 10 s"),
        ("<emphasis level='huge'>Hi</emphasis>", "none of strong"),
        ("<phoneme alphabet='ipa' ph='tʼ'>Hi</phoneme>", "no sound"),
        ("<phoneme alphabet='x-sampa' ph='t'>Hi</phoneme>", "x-sampa is not known"),
        ("<phoneme ph=''>Hi</phoneme>", "no vowel"),
        ("5 < 6", "no valid XML"),
        ("<prosody>Hi", "no valid XML"),
    ],
)
def test_what_cannot_be_honoured_is_refused(inner: str, why: str) -> None:
    with pytest.raises(BadSsml, match=why):
        utterances(f"<speak>{inner}</speak>", {})


def test_entities_are_not_expanded() -> None:
    bomb = '<!DOCTYPE speak [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    with pytest.raises(BadSsml, match="declare"):
        parts(f"<speak>{bomb}&b;</speak>")
    assert is_ssml("<speak>")
    assert is_ssml(f"{bomb}<speak>")


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn")), max_size=60))
def test_plain_text_in_speak_is_said_like_plain_text(text: str) -> None:
    plain = sentences(speakable(" ".join(text.replace("<", " ").split())))
    wrapped = utterances(f"<speak>{escape(' '.join(text.replace('<', ' ').split()))}</speak>", {})
    assert [u.sentence for u in wrapped] == plain


@given(st.text(max_size=80))
def test_any_document_is_said_or_refused_in_words(inner: str) -> None:
    with contextlib.suppress(BadSsml):
        made = utterances(f"<speak>{inner}</speak>", {"sophia": "s ow1 f iy0 ax0"})
        assert all(utterance.sentence.isascii() for utterance in made)


@pytest.mark.parametrize(
    ("asked", "phones"),
    [
        ("təˈmɑˌtoʊ", "t ax0 m aa1 t ow0"),
        ("soʊˈfiːə", "s ow0 f iy1 ax0"),
        ("dʒiː", "jh iy1"),
        ("T AH0 M EY1 T OW0", "t ax0 m ey1 t ow0"),
        ("{@K}{@AA1}{@R}{@Z}", "k aa1 r z"),
        ("HH AH L OW", "hh ah1 l ow0"),
        ("ə", "ax1"),
    ],
)
def test_pronunciations(asked: str, phones: str) -> None:
    assert sounds_of(asked) == phones


@given(st.text(max_size=30))
def test_a_pronunciation_is_flites_or_refused(text: str) -> None:
    try:
        phones = sounds_of(text)
    except Unpronounceable:
        return
    assert all(phone.isascii() and phone.rstrip("01").isalpha() for phone in phones.split())


def test_the_dictionary_gives_whole_words_their_sounds() -> None:
    dictionary = dictionary_from("Sophia  s oʊ f aɪ ə,New York  N UW1 Y AO1 K")
    [one] = utterances("Sophia, meet sophias and SOPHIA in New York.", dictionary)
    assert one.sentence == "Sophia, meet sophias and SOPHIA in NewYork."
    assert [at for at, _ in one.manner.phones] == [0, 4, 6]
    assert one.manner.phones[0][1] == "s ow1 f ay0 ax0"


@pytest.mark.parametrize(
    "text",
    ["Sophia", "Sophia soʊ", "Sophia  §§", "a  b  c,", "  ", "a" + " " * 200_000 + "\nb", "a  " * 30_000 + "\nb"],
    ids=lambda text: text[:12],
)
def test_an_entry_that_is_none_is_named(text: str) -> None:
    if not text.strip():
        assert dictionary_from(text) == {}
        return
    with pytest.raises(ValueError, match=r"custom_dictionary|no sound|no vowel"):
        dictionary_from(text)
