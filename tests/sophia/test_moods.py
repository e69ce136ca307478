"""Marks of mood are taken out of a reply, however it streams, and each clause keeps its mood."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.settings import EMOTIONS
from sophia.mood_clauses import GUESSED, HOLDS, Clause, Mood, MoodedClauses, mood_of
from sophia.mood_words import LANGUAGES, guessed
from sophia.moods import LONGEST_CODE, MOODS, NAMES, Mark, MoodMarks
from sophia.spoken import spoken

PIECES = st.one_of(
    st.sampled_from([f"<{name}>" for name in NAMES]),
    st.sampled_from(["</joy>", "<Joy/>", "<JOY />", "＜joy＞", "<b>", "<jo", "<joyful>", "< joy>", "<", ">", "/", "`"]),
    st.sampled_from(["```", "`", "\\", " ", "\n", ". ", "! ", ", ", "喜", "很好。", "é", "9"]),
    st.text(max_size=5),
    st.from_regex(r"[a-zA-Z]{1,8}", fullmatch=True),
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)


def parsed(text: str, cuts: tuple[int, ...] = ()) -> list[str | Mark]:
    marks, parts, at = MoodMarks(), list[str | Mark](), 0
    for cut in (*sorted(cuts), len(text)):
        parts += marks.feed(text[at:cut])
        at = max(at, cut)
    whole: list[str | Mark] = []
    for part in [*parts, *marks.flush()]:
        if isinstance(part, str) and whole and isinstance(whole[-1], str):
            whole[-1] += part
        else:
            whole.append(part)
    return whole


def left(text: str) -> str:
    return "".join(part for part in parsed(text) if isinstance(part, str))


def felt(text: str, language: str = "en-US", **how: bool) -> list[tuple[str, str]]:
    clauses = MoodedClauses(language, **how)
    _, whole = clauses.feed(text)
    return [(str(clause), clause.mood.name) for clause in whole + clauses.flush()[1]]


def test_the_moods_are_those_of_the_face() -> None:
    assert MOODS == EMOTIONS


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("<joy>That's great!", "That's great!"),
        ("Hello. <joy> That", "Hello. That"),
        ("Hello.<joy>That", "Hello. That"),
        ("<joy>Great</joy>! Next", "Great! Next"),
        ("so <Joy/>happy, <SAD />sad", "so happy, sad"),
        ("<happy><joy>x", "x"),
        ("great<joy>Next", "great Next"),
        ("很好。<joy>谢谢你。＜sadness＞再见", "很好。谢谢你。再见"),
        ("Здравствуйте!<joy> Рада", "Здравствуйте! Рада"),
        # what is no mark stays
        ("en<joy>able, a list<joy>s", "en<joy>able, a list<joy>s"),
        ("<b>bold</b> <joyful> <Freude> <радость> <喜び> a<b", "<b>bold</b> <joyful> <Freude> <радость> <喜び> a<b"),
        ("< joy> <joy\n> <joy x=1> \\<joy> <jo", "< joy> <joy\n> <joy x=1> \\<joy> <jo"),
        ("write `<joy>` and ``<joy> ` <sad>`` so", "write `<joy>` and ``<joy> ` <sad>`` so"),
        ("```\n<joy>\n`<sad>\n```\nx", "```\n<joy>\n`<sad>\n```\nx"),
        ("3 < 5 > 2", "3 < 5 > 2"),
    ],
)
def test_marks_go_and_all_else_stays(written: str, text: str) -> None:
    assert left(written) == text


def test_marks_count_again_after_code_and_after_a_backtick_that_is_none() -> None:
    assert parsed("`a`<joy>b") == ["`a` ", Mark("joy", ends=False), "b"]
    assert parsed(f"a ` b{LONGEST_CODE * 'c'} <joy>d")[-2] == Mark("joy", ends=False)
    assert parsed("a ` b\n<joy>d")[-2] == Mark("joy", ends=False)
    assert parsed("```\nx\n```\n<sad>d")[-2] == Mark("sadness", ends=False)


@given(TEXTS, st.lists(st.integers(0, 80), max_size=8))
def test_how_a_reply_is_cut_into_deltas_does_not_matter(text: str, cuts: list[int]) -> None:
    assert parsed(text, tuple(min(cut, len(text)) for cut in cuts)) == parsed(text)


@given(TEXTS)
def test_nothing_but_marks_and_blanks_is_lost_or_made(text: str) -> None:
    names = "|".join(sorted(NAMES, key=len, reverse=True))
    without = re.sub(rf"[<＜]/?(?:{names}) ?/?[>＞]", "", text, flags=re.IGNORECASE)
    kept = re.sub(rf"[<＜]/?(?:{names}) ?/?[>＞]", "", left(text), flags=re.IGNORECASE)
    assert "".join(kept.split()) == "".join(without.split())


@given(st.text(alphabet=st.characters(exclude_characters="<＜")))
def test_text_without_marks_passes_at_once_and_as_it_is(text: str) -> None:
    assert "".join(part for part in MoodMarks().feed(text) if isinstance(part, str)) == text


@given(TEXTS)
def test_little_is_held_back(text: str) -> None:
    marks = MoodMarks()
    out = "".join(part for part in marks.feed(text) if isinstance(part, str))
    rest = "".join(part for part in marks.flush() if isinstance(part, str))
    assert len(rest) <= max(len(name) for name in NAMES) + 4
    assert out + rest == left(text)


@given(TEXTS)
def test_no_mark_is_spoken_or_shown_outside_of_code(text: str) -> None:
    plain = text.replace("`", "").replace("\\", "").replace("~", "")
    for clause, _ in felt(" ".join(re.findall(r"<\w+>|\w+[.!]?", plain))):
        assert not re.search(rf"<(?:{'|'.join(MOODS)})>", clause)
        assert "<" not in spoken(clause)


def test_a_clause_has_the_mood_that_stands_before_it() -> None:
    assert felt("<joy>How nice to see you!<neutral> What can I do for you today?") == [
        ("How nice to see you!", "joy"),
        ("What can I do for you today?", ""),
    ]
    assert felt("<sadness>I am sorry to hear it.</sadness> It gets better soon.") == [
        ("I am sorry to hear it.", "sadness"),
        ("It gets better soon.", ""),
    ]


def test_a_mark_in_a_clause_is_about_all_of_it_and_an_end_about_the_next() -> None:
    assert felt("I am <joy>so happy</joy> today. And so it goes on and on.") == [
        ("I am so happy today.", "joy"),
        ("And so it goes on and on.", ""),
    ]


@given(st.sampled_from(MOODS), st.integers(HOLDS, 3 * HOLDS))
def test_a_mood_that_nothing_ends_ends(mood: str, sentences: int) -> None:
    told = felt(f"<{mood}>" + "And here is one more sentence. " * sentences)
    assert [name for _, name in told] == [mood] * HOLDS + [""] * (sentences - HOLDS)


def test_words_tell_where_the_model_marks_nothing() -> None:
    clauses = MoodedClauses("en-US")
    told = clauses.feed("Congratulations! That is not wonderful news at all. ")[1]
    assert [clause.mood for clause in told] == [Mood("joy", GUESSED), Mood()]
    marked = felt("<neutral>Well. Congratulations to all of you today!")
    assert [name for _, name in marked] == ["", ""]
    assert {name for _, name in felt("Congratulations to you!", moods=False)} == {""}


@pytest.mark.parametrize(
    ("clause", "language", "mood"),
    [
        ("I'm sorry, I can't do that.", "en-US", "sadness"),
        ("I’m glad you asked.", "en-GB", "joy"),
        ("I am not sorry.", "en-US", ""),
        ("It isn't really that amazing.", "en-US", ""),
        ("The gladiator was saddled.", "en-US", ""),
        ("Das tut mir leid.", "de-DE", "sadness"),
        ("Herzlichen Glückwunsch!", "de-DE", "joy"),
        ("Das ist nicht schlimm, und nicht so traurig.", "de-DE", ""),
        ("¡Felicidades!", "es-ES", "joy"),
        ("Je suis désolée.", "fr-FR", "sadness"),
        ("Che sorpresa!", "it-IT", "amazement"),
        ("Congratulations!", "ja-JP", ""),
    ],
)
def test_a_few_words_tell_a_mood(clause: str, language: str, mood: str) -> None:
    assert guessed(clause, language) == mood


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=st.text(max_size=60))
def test_guessing_knows_its_moods_alone(language: str, text: str) -> None:
    assert guessed(text, language) in ("", *MOODS)


def test_a_clause_is_its_text() -> None:
    assert Clause("Hello.", Mood("joy", 1.0)) == "Hello."
    assert mood_of("Hello.") == Mood()
