"""Words that mean something only after the last question: 'and in Berlin?', 'no, I meant Paris', 'spell "
"that', 'why?'."""

import re
from itertools import islice

from . import numerals
from .chat import asked
from .skills.refusals import fresh

_AND = re.compile(
    r"^(?:and|or|but|then|also|now)*\s*(?:what about|how about|and|the same (?:for|in)|same (?:for|in)|also|or)(?: "
    r"the one| that)? (?P<new>.{1,60})$"
)
_CORRECTED = re.compile(
    r"^(?:no |not that |sorry |oh |wait )*(?:i meant|i mean|i said|i was asking (?:about|for)|rather|make (?:that|"
    r"it)|not (?:in )?\w+ but)(?: to say)? (?P<new>.{1,60})$"
)
_NOT = re.compile(r"^no (?:not )?(?P<new>[a-z]+)$")
_SLOT = re.compile(
    r"\b(?:in|of|with|to|for|from|on|about|until|till|since|word|spell|define|explain|is|are|was|were|does|do)(?: "
    r"(?:the|a|an))? "
)
_LEADING = re.compile(r"^(?P<word>in|of|with|to|for|from|on|about|until|since) ")
_TAIL = re.compile(r" (?:mean|means|have|work|works|speak|spelled|rhyme)$")
_WHY = re.compile(
    r"^(?:and |but )?(?:why|why not|why so|why is that|how come|why is it so|why that|what for|for "
    r"what reason)$"
)
_POINTER = re.compile(
    r"\b(?:that word|this word|that city|that country|that|it|there|this|them|they|he|she|its|their|his|her)\b"
)
_OWNED = re.compile(r"\b(?:its|their|his|her) (?P<what>\w+)")
_REASONS = (
    ("Green, I think", ("Because a meter in the green means that all is well.",)),
    ("window", ("Because I have ears and a clock, and nothing else.",)),
    ("I don't look things up", ("Because I keep to this machine. I ask nobody, and I pass nothing on.",)),
    ("I can't", ("Because I'm only a small stand-in with a voice.", "I was given no hands. And no web.")),
)
_ELSE = (
    "I know that it's so, but not why. A real language model might.",
    "There I only have the fact itself, sorry.",
    "Children ask that best. I have no answer.",
    "That goes deeper than I do.",
)
_MOST_BACK = 4
"""How many questions back an elliptic one is understood."""


_MOST_GUESSES = 4
"""Ways to read an elliptic question that are tried."""


def meant(text, turns, understood):
    """What an elliptic ``text`` may mean in full, likeliest first. ``understood`` gives that of an earlier "
    "question."""
    found = _CORRECTED.match(text) or _AND.match(text) or _NOT.match(text)
    if not found:
        return
    before = _earlier(turns, understood)
    if before:
        yield from islice(filled(before, found["new"].strip()), _MOST_GUESSES)


def pointed(text, turns, understood):
    """``text`` with what its pronoun may stand for: her short answer, or what was asked about."""
    if not _POINTER.search(text) or len(text.split()) > 9:
        return
    before = _earlier(turns, understood)
    hers = turns.said_by("assistant")
    for topic in (_short(hers[-1]) if hers else "", _asked_about(before)):
        if topic:
            yield _put(topic, text)


def _put(topic, text):
    """``text`` with ``topic`` in the place of its pronoun: 'its capital' is 'the capital of' it."""
    if "live there" in text:
        return text.replace("live there", f"live in {topic}")
    owned = _OWNED.sub(lambda found: f"the {found['what']} of {topic}", text)
    return _POINTER.sub(lambda _: topic, text, count=1) if owned == text else owned


def reason(text, turns):
    """The answer to a bare 'why', or None."""
    hers = turns.said_by("assistant")
    if not _WHY.match(text):
        return None
    if not hers:
        return "Why what? Ask me in full."
    known = next((reasons for beginning, reasons in _REASONS if beginning in hers[-1]), _ELSE)
    return fresh(known + _ELSE, turns)


def _earlier(turns, understood):
    """The question before, as it was understood; empty if there was none, or too many of them lean on each other."""
    at = [index for index, (role, _) in enumerate(turns.pairs[:-1]) if role == "user"]
    if not at:
        return ""
    earlier = turns.before(at[-1] + 1)
    if earlier.depth > _MOST_BACK:
        return asked(earlier)
    return understood(earlier)[0]


def filled(before, new):
    """The question before with ``new`` in the place of what it was about."""
    own = _LEADING.match(new)
    bare = _LEADING.sub("", new)
    words = before.split()
    if numerals.read(bare.split(), 0):
        for at in range(len(words)):
            if read := numerals.read(words, at):
                yield " ".join([*words[:at], bare, *words[read[1] :]])
                break
    slots = list(_SLOT.finditer(before))[::-1]
    if own:
        slots.sort(key=lambda slot: not slot[0].startswith(own["word"]))
    tail = _TAIL.search(before)
    for slot in slots:
        kept = before[: slot.end()]
        named = re.sub(r" (the|a|an) $", " ", kept)
        yield f"{named}{bare}{tail[0] if tail else ''}"
        if named != kept and not re.match(r"(the|a|an) ", bare):
            yield f"{kept}{bare}"
    if own and slots and not slots[0][0].startswith(own["word"]):
        yield f"{before} {new}"


def _short(reply):
    """The thing that a short answer names: 'Canberra.' is about Canberra."""
    sentence = re.match(r"(?:In |The )?([^.,!?]{2,40})\.", reply)
    return sentence[1].lower() if sentence and len(sentence[1].split()) <= 3 and "'" not in sentence[1] else ""


def _asked_about(before):
    slots = list(_SLOT.finditer(before))
    rest = _TAIL.sub("", before[slots[-1].end() :]) if slots else ""
    return rest if 0 < len(rest.split()) <= 4 else ""
