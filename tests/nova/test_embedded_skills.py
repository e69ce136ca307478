"""What the embedded mind knows, how it follows a conversation, and that it never repeats itself."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from embedded_talk import FOLDER, NOW, ask, converse, part
from hypothesis import given, settings
from hypothesis import strategies as st

KNOWN = [
    ("what is photosynthesis", "How plants eat light."),
    ("do you know what a black hole is", "A place where gravity wins."),
    ("define ubiquitous", "Ubiquitous means being present everywhere at once."),
    ("what does serendipity mean", "Serendipity is good luck in making unexpected and fortunate discoveries."),
    ("who was marie curie", "Marie Curie was a French chemist who won two Nobel prizes. 1867 to 1934."),
    ("what is berlin", "Berlin is the capital of Germany located in eastern Germany."),
    ("what is the united states", "The United States is a North American republic containing 50 states."),
    ("what is a book", "A book is a written work"),
    ("what are glaciers", "A glacier is a slowly moving mass of ice"),
    ("where is timbuktu", "Timbuktu is a city in central Mali"),
    ("what's the capital of australia", "Canberra."),
    ("do you know what the capital of norway is", "Oslo."),
    ("what is australia's capital", "Canberra."),
    ("what's the population of germany", "About 83 million people."),
    ("how many people live in japan", "About 127 million people."),
    ("what currency do they use in japan", "The yen."),
    ("what language do they speak in brazil", "Mainly Portuguese."),
    ("which countries border portugal", "Spain."),
    ("where is nairobi", "In Kenya."),
    ("what is the largest city in germany", "Berlin."),
    ("how big is france", "About 550000 square kilometers."),
    ("how many moons does jupiter have", "95 that we know of."),
    ("how big is mars", "About 6800 kilometers across."),
    ("what's the chemical symbol for iron", "F, E."),
    ("what is the atomic number of gold", "79."),
    ("is 91 a prime number", "No, 7 divides it."),
    ("spell rhythm please", "R, H, Y, T, H, M."),
    ("how many r's are in strawberry", "3."),
    ("what rhymes with moon", "June, loon, noon and soon."),
    ("what's the opposite of hot", "Cold."),
    ("why is the ocean salty", "Because rivers bring salt"),
    ("how old is the universe", "The universe, nearly 14 billion years."),
    ("what gpu do you run on", "On none, just now."),
    ("can you sing", "I'd rather not."),
    ("set a timer for five minutes", "I can't do that here."),
    ("what is the weather in paris", "I can't see the weather."),
    ("translate hello into french", "I can't translate."),
    ("what is sophia", "I'm Sophia."),
    ("where is mount everest", "Mount Everest is a mountain"),
    ("what is photo synthesis", "How plants eat light."),
    ("what's the capitol of canada", "Ottawa."),
    ("how far is it from paris to london", "About 340 kilometers."),
    ("why do birds fly south", "For food and for warmth."),
    ("when was mozart born", "In 1756."),
]

CALENDAR = [
    ("how many days between march third and june tenth", "99 days from March 3rd to June 10th."),
    ("how many weeks until christmas", "4 weeks and 6 days until Christmas."),
    ("what day of the week was july fourth nineteen seventy six", "Sunday. July 4th, 1976 was a Sunday."),
    ("What day of the week was July 4, 1976?", "Sunday. July 4th, 1976 was a Sunday."),
    ("when is thanksgiving", "Thanksgiving is on Thursday, November 26th, 2026. That's in 5 days."),
    ("when is easter", "Easter is on Sunday, March 28th, 2027. That's in 127 days."),
    ("when was easter 2024", "Easter was on Sunday, March 31st."),
    ("is 2028 a leap year", "Yes, 2028 is a leap year."),
    ("was nineteen hundred a leap year", "No, 1900 was not a leap year."),
    ("i was born in 1990 how old am i", "36 this year."),
    ("how many days are in february", "28, and 29 in a leap year."),
    ("what date is in two weeks", "Saturday, December 5th."),
    ("what's the date next friday", "Friday is November 27th."),
    ("how many days in a leap year", "366."),
    ("what day was it three days ago", "Wednesday. November 18th was a Wednesday."),
]


@pytest.mark.parametrize(("question", "beginning"), KNOWN)
def test_it_knows_things(question: str, beginning: str) -> None:
    assert ask(question).startswith(beginning)


@pytest.mark.parametrize(("question", "reply"), CALENDAR)
def test_it_reckons_with_dates(question: str, reply: str) -> None:
    assert ask(question) == reply


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_it_tells_the_time_elsewhere() -> None:
    assert converse("what time is it in tokyo", "and in new york", "no i meant london", "what about germany") == [
        "In Tokyo, it's 5:16 AM tomorrow.",
        "In New York City, it's 3:16 PM.",
        "In London, it's 8:16 PM.",
        "In Germany, it's 9:16 PM.",
    ]
    assert ask("what's the time difference to mumbai") == "Mumbai is 4 hours and 30 minutes ahead of us."


FOLLOWED = [
    ("what is the capital of france", "and germany", "Berlin."),
    ("what is the capital of france", "no i meant finland", "Helsinki."),
    ("how far is the moon", "and the sun", "About 150 million kilometers."),
    ("what is the capital of australia", "how do you spell that", "C, A, N, B, E, R, R, A."),
    ("what is the capital of france", "what is its population", "About 2.1 million people."),
    ("what's ten miles in kilometers", "and twenty", "That's about 32.2 kilometers."),
    ("what's ten miles in kilometers", "and in meters", "That's about 16093"),
    ("how many days until christmas", "and easter", "127 days until Easter."),
    ("what does ubiquitous mean", "and ephemeral", "Ephemeral means lasting a very short time."),
    ("what's your favorite color", "why", "Because a meter in the green"),
]


@pytest.mark.parametrize(("first", "then", "beginning"), FOLLOWED)
def test_it_follows_a_conversation(first: str, then: str, beginning: str) -> None:
    assert converse(first, then)[1].startswith(beginning)


def test_follow_ups_lean_on_each_other() -> None:
    assert converse("what is the capital of spain", "and italy", "how about peru", "no portugal")[1:] == [
        "Rome.", "Lima.", "Lisbon."
    ]  # fmt: skip


def test_it_asks_riddles_and_judges_the_answer() -> None:
    riddle, given_up, another, solved = converse("ask me a riddle", "i don't know", "another one", "a towel")
    assert riddle != another
    assert given_up == "A clock. Another one?"
    assert solved.startswith("That's right.")
    assert converse("quiz me", "oslo", "another one", "sydney")[1::2] == [
        "That's right. The capital is Oslo. Another one?", "The capital is Canberra. Another one?"
    ]  # fmt: skip


def test_it_remembers_what_it_was_told() -> None:
    said = converse(
        "my cat is called tom", "my favorite color is blue", "what is my favorite color", "what is my shoe size"
    )
    assert said[1:] == ["I keep it in mind.", "Blue. You told me.", "You haven't told me about your shoe size yet."]
    assert converse("remember that i parked on level three", "what did i ask you to remember")[1] == (
        "You told me this. You parked on level three."
    )


def test_what_falls_follows_from_the_conversation() -> None:
    assert ask("flip a coin") == ask("flip a coin")
    fallen = {ask("flip a coin", now=NOW + timedelta(minutes=minute)) for minute in range(20)}
    assert fallen == {"Heads.", "Tails."}


UNKNOWABLE = ["purple fourteen", "who is that over there", "bla bla bla", "how many legs has a table leg", "beep"]


@given(st.lists(st.sampled_from(UNKNOWABLE + [q for q, _ in KNOWN + CALENDAR]), max_size=14))
@settings(max_examples=40, deadline=None)
def test_no_reply_repeats_in_a_row(questions: list[str]) -> None:
    replies = converse(*questions)
    assert all(one != other for one, other in pairwise(replies))


@given(
    st.lists(st.text(max_size=60) | st.sampled_from([q for q, _ in KNOWN] + [q for _, q, _ in FOLLOWED]), max_size=8)
)
@settings(max_examples=80, deadline=None)
def test_no_conversation_leaves_it_speechless(questions: list[str]) -> None:
    assert all(converse(*questions))


HEAP = (
    "what is the a of in and how many days until between from to was born capital population time it that why no i "
    "meant spell rhymes with define moon march 31 february 29 nineteen hundred thirtieth easter next friday weeks ago "
    "my country city number prime opposite who where big far symbol for 0 9999"
)
WORDS = HEAP.split()


@given(st.lists(st.sampled_from(WORDS), max_size=12), st.lists(st.sampled_from(WORDS), max_size=6))
@settings(deadline=None)
def test_any_heap_of_question_words_gets_a_reply(first: list[str], then: list[str]) -> None:
    assert all(converse(" ".join(first), " ".join(then)))


@given(st.dates(date(1, 1, 1), date(9999, 12, 31)))
@settings(deadline=None)
def test_any_day_may_be_today(today: date) -> None:
    now = datetime.combine(today, datetime.min.time())
    for question in ("when is easter", "what day is tomorrow", "how many days until february 29",
        "when was last friday",
                     "what time is it in tokyo", "how many days since new year", "is it a leap year"):  # fmt: skip
        assert ask(question, now=now)


@given(st.dates(date(1583, 1, 1), date(4000, 12, 31)))
def test_weekdays_are_those_of_the_calendar(day: date) -> None:
    asked = f"what day of the week was {day:%B} {day.day} {day.year}"
    assert ask(asked).startswith(f"{day:%A}. ")


@pytest.mark.parametrize(("year", "month", "day"), [(2000, 4, 23), (2024, 3, 31), (2027, 3, 28), (2038, 4, 25)])
def test_easter_is_when_the_tables_say(year: int, month: int, day: int) -> None:
    assert part("dates").easter(year) == date(year, month, day)


def test_every_fixed_reply_is_made_for_a_voice() -> None:
    """No markup, no list, and a first sentence that does not keep anybody waiting."""
    tables = [reply for name in ("reasons", "planets") for _, reply in part(f"skills.{name}")._COMPILED]
    tables += part("skills.explanations")._BARE.values()
    tables += part("skills.curiosities").ODD
    tables += part("skills.refusals").UNKNOWN
    tables += [reply for _, replies in part("skills.refusals")._COMPILED for reply in replies]
    for name in ("smalltalk", "herself"):
        tables += [reply for _, replies in part(f"skills.{name}")._COMPILED for reply in replies]
    for reply in tables:
        assert not re.search(r"[*_#`<>\[\]|\\\n;]", reply), reply
        assert reply[-1] in ".?!", reply
        assert all(len(sentence.split()) <= 25 for sentence in re.split(r"(?<=[.?!])\s", reply)), reply


def test_of_a_text_without_end_only_the_last_words_are_looked_at() -> None:
    chat = part("chat")
    assert chat.asked(chat.Turns("", [("user", "what is the " * 10_000 + "capital of france")])).endswith(
        "capital of france"
    )
    assert len(chat.asked(chat.Turns("", [("user", "what is the " * 10_000)]))) <= chat.LONGEST
    assert ask("and " * 40_000, "Yes.", "what is " * 20_000)


def test_definitions_are_found_and_rude_ones_are_not() -> None:
    senses = part("knowledge").senses
    assert senses("zygote")[0][0] == "n"
    assert senses("aardvark")
    assert senses("") == senses("zzzz") == senses("\n") == senses("ä") == []
    assert senses("run")[0][0] == "v"
    assert senses("vulva") == []


def test_the_sources_of_what_it_knows_are_named() -> None:
    origin = (FOLDER / "knowledge" / "ORIGIN.md").read_text("utf-8")
    files = {file.name for file in (FOLDER / "knowledge").iterdir() if file.suffix in (".zip", ".tsv")}
    assert all(f"`{name}`" in origin for name in files)
    assert sum((FOLDER / "knowledge" / name).stat().st_size for name in files) < 5_000_000


PAGE = Path(__file__).parents[2] / "docs" / "mind.md"


def page_talks() -> list[list[str]]:
    """The conversations of the page: what you and she say, in turn."""
    shown = PAGE.read_text("utf-8").split("```")[1].strip()
    return [[line.partition(": ")[2] for line in talk.splitlines()] for talk in shown.split("\n\n")]


@pytest.mark.usefixtures("berlin")
def test_the_page_about_it_shows_what_it_says() -> None:
    talks = page_talks()
    assert sum(len(talk) for talk in talks) >= 120
    for talk in talks:
        assert converse(*talk[::2], now=datetime(2026, 11, 30, 19, 30)) == talk[1::2]
