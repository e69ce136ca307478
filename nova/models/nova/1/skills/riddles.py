"""Riddles and a quiz of capitals: she asks, and judges the answer."""

import re

from .. import places
from .stories import in_turn

# The riddle, words that solve it, and the solution as she tells it.
RIDDLES = (
    ("Here's one. What has hands, but can't clap?", "clock watch", "A clock."),
    ("Try this. What gets wetter the more it dries?", "towel", "A towel."),
    ("Listen. What has a neck, but no head?", "bottle shirt", "A bottle."),
    ("All right. What goes up, and never comes down?", "age", "Your age."),
    ("Think of this. What has keys, but opens no lock?", "piano keyboard", "A piano."),
    (
        "Now this one. The more you take, the more you leave behind. What is it?",
        "footsteps steps step footprints",
        "Footsteps.",
    ),
    ("A short one. What can you break without touching it?", "promise silence", "A promise."),
    (
        "One about me. I speak without a mouth, and hear without ears. What am I?",
        "echo you computer sophia",
        "An echo. Or I.",
    ),
)
_COUNTRIES = (
    "norway",
    "australia",
    "canada",
    "kenya",
    "portugal",
    "peru",
    "vietnam",
    "turkey",
    "hungary",
    "new zealand",
)
QUIZ = tuple(f"What is the capital of {name.title()}?" for name in _COUNTRIES)
_GIVEN_UP = re.compile(
    r"\b(do not know|no idea|give up|tell me|what is it|solution|answer|no clue|pass|not sure|"
    r"beats me|you tell)\b"
)
_FAREWELL = re.compile(r"\b(stop|enough|no more|another topic|something else)\b")


def answer(text, turns):
    """A riddle, a question of the quiz, or what she says to the user's solution; or None."""
    hers = turns.said_by("assistant")
    last = hers[-1] if hers else ""
    if re.search(r"\briddles?\b|\bbrain ?teasers?\b", text) and not re.search(r"\bwhat is a\b", text):
        return in_turn([riddle for riddle, _, _ in RIDDLES], hers)
    if re.search(
        r"\b(quiz|trivia|test me|play (a |some |another )?games?|ask me (a|another|some|something|anything)( "
        r"question| questions)?)\b",
        text,
    ):
        return in_turn(QUIZ, hers)
    if re.search(r"^(another|one more|next|again|more)( one| please)?$", text):
        kind = (
            [r for r, _, _ in RIDDLES]
            if _told(last, [s for _, _, s in RIDDLES])
            else QUIZ
            if "capital is" in last
            else None
        )
        return in_turn(kind, hers) if kind else None
    if _FAREWELL.search(text):
        return None
    return _riddle(text, last) or _quiz(text, last)


def _riddle(text, last):
    for riddle, words, solution in RIDDLES:
        if last == riddle:
            if set(words.split()) & set(re.findall(r"\w+", text)):
                return f"That's right. {solution} Another one?"
            if _GIVEN_UP.search(text):
                return f"{solution} Another one?"
            return None if _is_question(text) else f"Not quite. It's this. {solution}"
    return None


def _quiz(text, last):
    if last not in QUIZ:
        return None
    land = places.country(last.removeprefix("What is the capital of ").removesuffix("?").lower())
    if re.sub(r"[^a-z ]", "", land.capital.lower()) in text:
        return f"That's right. The capital is {land.capital}. Another one?"
    if _GIVEN_UP.search(text) or not _is_question(text):
        return f"The capital is {land.capital}. Another one?"
    return None


def _told(last, endings):
    return last.endswith("Another one?") and any(ending in last for ending in endings)


def _is_question(text):
    return (
        bool(re.match(r"(what|who|where|when|why|how|can|could|tell|is it (?!an?\b)|do)\b", text))
        or len(text.split()) > 5
    )
