"""Parts of what was said that tools are given: a place, a sum, units, a time, what to remember, what to look for."""

import re

from .. import places
from ..chat import LONGEST
from ..german import is_wanted
from ..german.words import plain as plain_german
from . import amounts

_NAME = re.compile(
    r"(?<![.!?] )(?<!^)\b[A-ZÄÖÜ][\w'’.-]*(?: (?:[A-ZÄÖÜ][\w'’.-]*|of|the|de|la)(?= [A-ZÄÖÜ]| ?$|[,.?!]|\b))*"
)
_QUOTED = re.compile(r"[\"“”„«»]([^\"“”„«»]{1,200})[\"“”„«»]|(?<!\w)'([^']{1,200})'(?!\w)")
_BEFORE_PLACE = re.compile(
    r"\b(?:in|at|for|to|of|from|near|over|über|and|or|no|not|but|nach|für) (?:the city of |the )?"
)
_PLACE_ENDS = re.compile(
    r"\b(?:now|right now|today|tonight|tomorrow|please|at the moment|and|or|gerade|heute|morgen)\b"
)
_OPERATORS = (
    (r"\bmultiplied by\b|\btimes\b|\bmal\b|(?<=\d)\s*[x×*]\s*(?=\d)", " * "),
    (r"\bdivided by\b|\bover\b|\bgeteilt durch\b|(?<=\d)\s*[/÷]\s*(?=\d)", " / "),
    (r"\bplus\b|\badded to\b|\band\b(?= \d)", " + "), (r"\bminus\b|\bless\b", " - "),
    (r"\bto the power of\b|\braised to\b|\bhoch\b", " ^ "), (r"\bsquared\b", " ^ 2 "), (r"\bcubed\b", " ^ 3 "),
    (r"(?:\bpercent|\bper cent|\bprozent|%) (?:of|von)\b", "% of "),
    (r"\b(?:the )?square root of (\d+(?:\.\d+)?)|\b(?:der )?wurzel aus (\d+(?:\.\d+)?)", r" sqrt(\1\2) "),
)  # fmt: skip
_TERM = r"(?:sqrt\([\d.]+\)|-?\d+(?:\.\d+)?)"
_SUM = re.compile(rf"{_TERM}(?:\s*(?:[-+*/^]|% of)\s*{_TERM})*")
_CLOCK = re.compile(
    r"\b(?:at|um|for|by) (\d{1,2}(?:[:.]\d{2})?(?: ?[ap]\.? ?m\b\.?)?|noon|midnight)"
    r"|\b(\d{1,2}:\d{2}(?: ?[ap]\.? ?m\b\.?)?)|\b(\d{1,2} ?[ap]\.? ?m\b)",
    re.IGNORECASE,
)
_DAY = re.compile(
    r"\b(\d{4}-\d\d-\d\d|today|tonight|tomorrow|yesterday|(?:next |this )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|"
    r"heute|morgen|gestern)\b",
    re.IGNORECASE,
)
_FACT = re.compile(
    r"\b(?:remember|forget|keep in mind|note(?: down)?|write down|merk dir|vergiss)[,:]?\s+(?:that\s+|dass\s+)?"
    r"(.{2,300}?)[.!?\s]*$",
    re.IGNORECASE,
)
_REMIND = re.compile(r"\b(?:remind(?:er)?|erinner\w*)(?: me| mich)?\b(.{2,300}?)[.!?\s]*$", re.IGNORECASE)
_QUERY = re.compile(
    r"\b(?:search(?: the (?:web|internet|net|docs?|documentation))?(?: for)?|look up|google|find(?: out)?(?: about)?|"
    r"tell me about|such\w*(?: nach)?)\s+(.{2,200}?)[.!?\s]*$",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"\b(?:called|named|labelled|namens)\s+(?:the\s+)?([\w' -]{2,40})|\b(?:timer|alarm|reminder)s? for (?:the |my )?"
    r"(?!\d|an? |half)([a-z][\w -]{1,30})"
    r"|\b(?:the|my|a|an) (?!timer|alarm|\d|minute|second|hour|new|next)([a-z]{3,20}) timer\b",
    re.IGNORECASE,
)


class Said:
    """What was said: plain and with digits as ``text``, and as it was written."""

    def __init__(self, text, turns):
        self.german = is_wanted(turns)
        self.taken = []
        self.text = amounts.digits(plain_german(text) if self.german else text.lower())
        self.raw = " ".join(turns.user[-LONGEST:].split())
        self.fits = len(set(re.findall(r"\w+", self.raw.lower())) & set(re.findall(r"\w+", text.lower()))) > 1 or (
            self.raw.lower().strip(" .?!") == text.strip()
        )

    @property
    def written(self):
        """The words as the user wrote them, where ``text`` comes from there, else ``text``."""
        return self.raw if self.fits else self.text

    def quoted(self):
        """What stands between quotation marks."""
        return [first or second for first, second in _QUOTED.findall(self.raw)]

    def names(self):
        """What is written with a capital inside of a sentence."""
        found = [name.strip(" .,'’") for name in _NAME.findall(self.raw)]
        return [name for name in found if name not in ("I", "I'm", "I'd", "OK")]

    def places(self):
        """The places that are named, as they are written."""
        found = []
        for start in _BEFORE_PLACE.finditer(f" {self.text}"):
            words = f" {self.text}"[start.end() :].split()
            for length in (3, 2, 1):
                name = " ".join(words[:length])
                if len(name) > 2 and len(words) >= length and (known := places.zone(name)):
                    spelled = re.search(re.escape(name), self.raw, re.IGNORECASE)
                    shown = spelled[0] if spelled and not spelled[0].islower() else known[1]
                    found += [] if shown in found else [shown]
                    break
        return found


def place(said):
    """The first place that is named: one that is known, or what follows a word such as "in"."""
    if found := said.places():
        return found[0]
    named = re.search(r"\b(?:[Ii]n|at|for|near|of) (?:the )?([A-ZÄÖÜ][\w'’-]+(?:,? [A-ZÄÖÜ][\w'’-]+)*)", said.written)
    if named:
        return named[1]
    bare = re.search(r"\b(?:in|near|für|of|for) (?!the |my |your |this |a )([a-zäöüß][a-zäöüß -]{1,40})$",
                     _PLACE_ENDS.split(said.text.removesuffix(" like"))[0].strip())  # fmt: skip
    return bare[1].strip() if bare else None


def expression(said):
    """A sum in signs: '17 * 23', 'sqrt(2)', '15% of 80'."""
    text = said.text
    for pattern, sign in _OPERATORS:
        text = re.sub(pattern, sign, text)
    found = max((" ".join(one.split()) for one in _SUM.findall(text)), key=len, default="")
    found = re.sub(r"(\d) % of", r"\1% of", found)
    return found if re.search(r"[-+*/^%]|sqrt", found) and not re.fullmatch(r"-\d+(\.\d+)?", found) else None


def units(said):
    """The unit that is given and the one that is asked for; each None where it is not said."""
    number = r"(?:-?\d+(?:\.\d+)?|an?)"
    unit = r"(?:degrees? |square |cubic |nautical )?[a-z°/]+"
    for pattern, first in (
        (
            rf"\bhow (?:many|much) ({unit}) (?:are there in|is there in|are in|is in|in|are|is|make) {number} ({unit})",
            2,
        ),
        (rf"\b{number} ({unit}) (?:in|to|into|as|sind|are|is) (?:how many |wieviel )?({unit})", 1),
        (rf"\bwieviel ({unit}) (?:sind|ist|hat) {number} ({unit})", 2),
    ):
        if found := re.search(pattern, said.text):
            return tuple(found[at].removeprefix("degrees ").removeprefix("degree ") for at in (first, 3 - first))
    return None, None


def clock(said):
    """A time of day, as it was written."""
    found = _CLOCK.search(said.raw)
    return next((part for part in found.groups() if part), None) if found else None


def day(said):
    """A day, as it was said."""
    found = _DAY.search(said.text)
    return found[1] if found else None


def fact(said):
    """What is to be remembered, forgotten, noted or sent, as it was written."""
    if alone := re.search(r"\b(?:forget|vergiss) (that|everything|all of it|alles|das)$", said.text):
        return alone[1]
    found = _FACT.search(said.raw)
    return found[1] if found else (said.quoted() or [None])[0]


def reminder(said):
    """What to be reminded of, without when."""
    found = _REMIND.search(said.text if said.german else said.raw)
    if not found:
        return None
    text = re.sub(r"\b(?:in|for) (?=\s|$)", " ", amounts.without_lengths(_CLOCK.sub(" ", amounts_in(found[1]))))
    text = " ".join(_DAY.sub(" ", text).split())
    text = re.sub(r"^(?:(?:in|at|to|that|about|of|daran|an|dass|zu) )+|(?: (?:in|at|on|um))+$", "", text)
    return text or None


def amounts_in(text):
    """The text with small numbers as digits, its other words as they were."""
    return " ".join(amounts.digits(word) if word.islower() else word for word in text.split())


def query(said):
    """What to look for."""
    found = _QUERY.search(said.written)
    return found[1] if found else None


def label(said):
    """What something is called: a timer."""
    if re.search(r"\b(?:all|alle) (?:the |my |meine )?(?:timer|alarm|reminder|wecker)", said.text):
        return "all"
    found = _LABEL.search(said.text)
    return next((part.strip() for part in found.groups() if part), None) if found else None


_FILLERS = {
    "like",
    "today",
    "now",
    "tomorrow",
    "there",
    "here",
    "please",
    "again",
    "outside",
    "heute",
    "morgen",
    "jetzt",
}


def after(said, words):
    """What follows the last of ``words`` in the text; None where nothing does."""
    ends = [found.end() for found in re.finditer(r"\w+", said.text) if any(found[0].startswith(word) for word in words)]
    rest = said.text[max(ends, default=0) :].strip()
    rest = re.sub(r"^(?:(?:in|of|for|to|at|with|from|on|is|the|by|now|a|an)\b\s*)+", "", rest)
    return None if set(rest.split()) <= _FILLERS else rest


def holds(text, value):
    """Whether a value of a list is said."""
    value = re.sub(r"[_-]+", " ", value.lower()).strip()
    return bool(value) and bool(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text))


def spelled(key):
    """A parameter's name as words."""
    return re.sub(r"[_\W]+|(?<=[a-z])(?=[A-Z])", " ", key).strip().lower()
