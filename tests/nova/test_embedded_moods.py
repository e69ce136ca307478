"""The embedded mind marks moods where it is told how, and is otherwise the same."""

import pytest
from embedded_talk import ask

from pipelines.talk.persona import MOODS_NOTE, with_moods
from sophia.mood_clauses import MoodedClauses
from sophia.moods import MOODS

ASKED = with_moods("You are Sophia.", "subtle")


def told(reply: str) -> tuple[str, str]:
    """The text of a reply, and the mood of its first clause."""
    clauses = MoodedClauses()
    text, whole = clauses.feed(reply)
    rest, last = clauses.flush()
    return text + rest, (whole + last)[0].mood.name


@pytest.mark.parametrize(
    ("words", "mood"),
    [
        ("hello", "joy"),
        ("thank you", "joy"),
        ("my grandmother died yesterday", "sadness"),
        ("I am so lonely", "sadness"),
        ("that was wrong", "sadness"),
        ("what is the meaning of life", "cheekiness"),
        ("what is seventeen times twenty three", ""),
        ("Hallo, wie geht es dir?", "joy"),
    ],
)
def test_replies_are_marked_where_a_mood_fits(words: str, mood: str) -> None:
    reply, plain = ask(words, system=ASKED), ask(words)
    text, felt = told(reply)
    assert " ".join(text.split()) == plain
    assert felt == mood, reply
    assert ("<" in reply) == bool(mood)


def test_only_the_first_sentence_has_the_mood() -> None:
    assert ask("thank you", system=ASKED) == "<joy>You're welcome. <neutral>Anything else?"


def test_nothing_is_marked_that_was_not_asked_for() -> None:
    assert "<" not in ask("hello")
    assert with_moods("You are Sophia.", "off") == "You are Sophia."


def test_the_note_names_moods_that_there_are() -> None:
    named = {word.strip("<>,. ") for word in MOODS_NOTE.split() if word.startswith("<")} - {"neutral"}
    assert named <= set(MOODS)
    assert len(named) == 8
