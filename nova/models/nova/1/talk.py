"""The embedded mind: a rendered prompt in, a spoken reply out.

Not a language model and not pretending to be one: a table of small skills, asked in order. The same prompt always gives
the same reply. Replies are made for a voice: short sentences, a short first clause, no markup.
"""

import re

from . import followups, german, moods, tools, unasked
from .chat import asked, begun, parse
from .skills import (
    calendar,
    chance,
    clock,
    counting,
    curiosities,
    dictionary,
    distances,
    elements,
    explanations,
    geography,
    herself,
    memory,
    opposites,
    planets,
    primes,
    reasons,
    refusals,
    remembering,
    repeating,
    rhyming,
    riddles,
    smalltalk,
    spelling,
    stories,
    sums,
    units,
    zones,
)

SKILLS = (
    repeating.answer, stories.answer, riddles.answer, units.answer, sums.answer, primes.answer, zones.answer,
    calendar.answer, reasons.answer, clock.answer, counting.answer, chance.answer, spelling.answer, rhyming.answer,
    opposites.answer, planets.answer, distances.answer, elements.answer, explanations.answer, geography.answer,
    curiosities.answer, dictionary.plainly_asked, remembering.answer,
)  # fmt: skip
"""Those that know what they are asked; the first that answers does."""

MANNERS = (refusals.answer, herself.answer, smalltalk.answer, dictionary.answer, german.overheard)
"""Those that take what is left."""

_SILENCE = "I didn't catch that. Could you say it again?"
_ONCE_MORE = ("Once more.", "As I said.")
_GREETING = re.compile(
    r"^(hello|hi|hey|good (morning|evening|afternoon)|yes|no|thanks|thank you|great|nice|cool)\s+(?=\w+ \w+)"
)
_LEAD = re.compile(
    r"^(?:(?:can|could|would|will) you (?:please )?(?:tell me|say)|do you (?:happen to )?know|i (?:want|would like|"
    r"need) to know"
    r"|i wonder|tell me|any idea|let me know|i have a question|one question)\s+(?=(?:what|who|where|when|why|how|"
    r"which|if)\b)"
)
_INVERTED = re.compile(r"^(?P<ask>what|who|where|when|why|how \w+) (?P<what>.+) (?P<verb>is|are|was|were)$")

_OWNED = re.compile(r"^(?P<ask>what is|who is) (?P<whose>[a-z ]+)'s (?P<what>[a-z ]+)$")


def answer(prompt):
    """The reply to a rendered chat prompt."""
    turns = parse(prompt)
    called = tools.answer(turns, begun(prompt), wordings, lambda words: _told_here(words, turns))
    said = unasked.answer(turns) or called or reply(turns)
    return moods.marked(said, asked(turns), turns.system)


def reply(turns):
    """The reply to the last words of the user; never the last reply once more, unless that was asked for."""
    if german.is_wanted(turns):
        return german.reply(turns)
    said, again = _said(turns)
    hers = turns.said_by("assistant")
    if hers and said == hers[-1] and not again:
        return f"{next(words for words in _ONCE_MORE if not said.startswith(words))} {said}"
    return said


def _said(turns):
    """What to say, and whether it was asked for once more."""
    text = asked(turns)
    if not text:
        called = re.search(r"\b(sophia|nova)\b", turns.user.lower())
        said = smalltalk.answer("hello" if called else "okay", turns) if re.search(r"\w", turns.user) else _SILENCE
        return said, False
    for words in wordings(text):
        if said := memory.answer(words, turns, reply):
            return said, memory.asks_again(words)
    return understood(turns)[1] or refusals.unknown(turns), False


def understood(turns):
    """What the user's last words mean in full, and the reply to that; None where no skill knows one."""
    text = asked(turns)
    for meant in followups.meant(text, turns, understood):
        if said := _known(meant, turns) or refusals.answer(meant, turns) or dictionary.answer(meant, turns):
            return meant, said
    if said := followups.reason(text, turns):
        return text, said
    for words in wordings(text):
        if said := _known(words, turns):
            return words, said
    for meant in followups.pointed(text, turns, understood):
        if said := _known(meant, turns):
            return meant, said
    said = next((said for skill in MANNERS for words in wordings(text) if (said := skill(words, turns))), None)
    return text, said


def wordings(text):
    """``text``, and what is asked in it without a greeting, a polite beginning, or an order of words that hides it."""
    yield text
    bare = re.sub(r" (to|for) me$", "", _LEAD.sub("", _GREETING.sub("", text)))
    if bare != text:
        yield bare
    if owned := _OWNED.match(bare):
        yield "{ask} the {what} of {whose}".format(**owned.groupdict())
    if inverted := _INVERTED.match(bare):
        yield "{ask} {verb} {what}".format(**inverted.groupdict())


def _told_here(text, turns):
    """The time and the date, as far as they are asked for: the prompt tells them."""
    return next((said for skill in (clock.answer, calendar.answer) if (said := skill(text, turns))), None)


def _known(text, turns):
    return next((said for skill in SKILLS if (said := skill(text, turns))), None)
