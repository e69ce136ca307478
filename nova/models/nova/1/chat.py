"""Reads a rendered chat prompt back into turns, and brings a user's words into one plain form."""

import re
from datetime import datetime

_TIME = re.compile(r"It is \w+, (\d{1,2}) (\w+) (\d{4}), (\d\d):(\d\d)\.")
_RESULT = re.compile(r"<tool_response>\n(.*?)\n</tool_response>", re.DOTALL)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_EXPANSIONS = (
    (r"\bwhat's\b|\bwhats\b", "what is"), (r"\bwho's\b|\bwhos\b", "who is"), (r"\bhow's\b|\bhows\b", "how is"),
    (r"\bwhere's\b|\bwheres\b", "where is"), (r"\bthat's\b", "that is"), (r"\bit's\b", "it is"),
    (r"\blet's\b", "let us"),
    (r"\bi'm\b", "i am"), (r"\byou're\b", "you are"), (r"\bdon't\b", "do not"), (r"\bcan't\b", "cannot"),
    (r"\bi'd\b", "i would"), (r"\bi've\b", "i have"), (r"\byou've\b", "you have"), (r"\bkilometre", "kilometer"),
    (r"\bmetre", "meter"), (r"\blitre", "liter"), (r"\bcentimetre", "centimeter"), (r"\bmillimetre", "millimeter"),
    (r"\bcapitol (?=of\b)", "capital "), (r"\bwhether (?=like\b)", "weather "), (r"\bphoto synthesis\b",
        "photosynthesis"),
    (r"\bwie geht's\b|\bwie gehts\b", "wie geht es"),
)  # fmt: skip
_FILLERS = re.compile(
    r"\b(um+|uh+|er+m*|hm+|please|bitte|sophia|nova|okay|well|so|now then|actually|just|like to know|kindly)\b"
)


LONGEST = 400
"""Characters of a question that are looked at, its last ones. Patterns would take long over a text without end."""


class Turns:
    """A conversation: ``system``, then ``(role, text)`` pairs, the last of them the user's.

    ``results`` are what tools said since; then she has called them after those words, in so many ``rounds``. ``depth``
    is how often one has gone back in it already.
    """

    def __init__(self, system, pairs, results=(), depth=0, rounds=0):
        self.system, self.pairs, self.results, self.depth, self.rounds = system, pairs, results, depth, rounds

    @property
    def user(self):
        return self.pairs[-1][1] if self.pairs else ""

    @property
    def now(self):
        """The time the prompt tells; the server's own only if it tells none."""
        found = _TIME.search(self.system)
        if found and found[2] in _MONTHS:
            day, year, hour, minute = (int(found[i]) for i in (1, 3, 4, 5))
            try:
                return datetime(year, _MONTHS.index(found[2]) + 1, day, hour, minute)
            except ValueError:
                pass
        return datetime.now().astimezone().replace(tzinfo=None)

    def said_by(self, role):
        """What ``role`` said before the last words of the user, oldest first; a mark for silence is no words."""
        return [text for who, text in self.pairs[:-1] if who == role and text not in ("—", "…")]

    def before(self, index):
        """The conversation as it was when the entry at ``index`` was being answered."""
        return Turns(self.system, self.pairs[:index], depth=self.depth + 1)


def parse(prompt):
    """Turns from a ChatML prompt; a prompt without its markers is the user's text."""
    entries = list(entries_of(prompt))
    if not entries:
        return Turns("", [("user", prompt.strip())])
    system = "\n".join(text for role, text in entries if role == "system")
    pairs, results, rounds = [], [], 0
    for role, text in entries:
        if role == "user" and (told := _RESULT.findall(text)):
            results, rounds = told, rounds + 1
        elif role in ("user", "assistant"):
            called = role == "assistant" and "<tool_call>" in text
            said = text.partition("<tool_call>")[0].strip()
            if said or not called:
                pairs.append((role, said))
                results, rounds = (results, rounds) if called else ([], 0)
    while results and pairs and pairs[-1][0] == "assistant":  # what she said while she called
        pairs.pop()
    return Turns(system, pairs, results, rounds=rounds)


def begun(prompt):
    """How the prompt begins the answer; empty where it leaves that to the model."""
    return prompt.rpartition("<|im_start|>assistant\n")[2] if "<|im_start|>assistant\n" in prompt else ""


def entries_of(prompt):
    """The role and text of each entry that is closed; in one pass, for anybody may send a prompt."""
    for part in prompt.split("<|im_start|>")[1:]:
        entry, closed, _ = part.partition("<|im_end|>")
        role, lined, text = entry.partition("\n")
        if closed and lined and role.isidentifier():
            yield role, text


def asked(turns):
    """The last words of the user, plain: no more of them than somebody says at once."""
    return plain(turns.user)[-LONGEST:].lstrip()


def plain(text):
    """Lower case, contractions written out, no punctuation but what belongs to numbers and sums, no fillers."""
    text = text.lower().replace("’", "'").replace("−", "-")
    for pattern, full in _EXPANSIONS:
        text = re.sub(pattern, full, text)
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"(?<![\d])\.|\.(?!\d)|[?!,;:\"“”()„…]|(?<!\w)'|'(?!\w)", " ", text)
    text = re.sub(r"(?<=[a-zäöüß])-(?=[a-zäöüß])", " ", text)
    text = _FILLERS.sub(" ", text)
    return " ".join(text.split())
