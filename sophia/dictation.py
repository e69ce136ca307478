"""Whether a text ends in the middle of something dictated: a number, letters, an address, a date, a price.

A recogniser puts a full stop behind every group of digits. So the words decide here: what was announced ("my phone
number is", "set a timer for"), and what the text ends on. Where that is evidently whole ("ten minutes", a phone number
with all its digits), the verdict says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sophia.dictation_tokens import Token, count, groups, read, tail
from sophia.dictation_words import ACRONYMS, EMERGENCY, PROVIDERS, TLDS
from sophia.languages import language as table
from sophia.languages.dictation import Dictation, Slot

RECENT = 45
"""Words at the end of a text that are looked at: an IBAN digit by digit, and what announces it."""

PIECE = 5
"""Words after a pause that are still a piece of what was dictated before it."""

LONGEST = 14
"""Words after what announces a name on the net, a date or a place, beyond which the user speaks of something else."""

ALL_DIGITS = {"card": 16, "zip": 5, "pin": 4}
"""How many digits make one whole; of a phone number see :func:`_phone`, and of other numbers nobody knows."""

ENDLESS = 1000
"""Digits of what has no known end."""

_SPELT_OUT = frozenset({"number", "phone", "card", "zip", "pin", "spelling"})
_TIME = re.compile(r"\d{1,2}[:.]\d\d$")
_INNER = re.compile(r"\w[.@]\w|^www")
_YEAR = re.compile(r"(?:1[89]|20)\d\d$")
_CENTURIES = frozenset({"eighteen", "nineteen", "twenty", "18", "19", "20"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether what is dictated is whole or will go on, and why."""

    whole: bool
    reason: str


def dictation(text: str, language: str, openers: frozenset[str]) -> Verdict | None:
    """The verdict on the text's end; None where nothing is dictated.

    ``openers`` are the first words of questions and commands. Those are mostly whole, whatever they end on, so they
    wait only for what they announce or spell. A line break in the text is a pause that the user has spoken on after:
    who has paused within what is dictated may do so again.
    """
    if (v := table(language).dictation) is None:
        return None
    before, _, piece = text.rpartition("\n")
    verdict = _verdict(text, v, openers)
    if verdict is not None or not before or not 0 < len(piece.split()) <= PIECE or piece.rstrip().endswith("?"):
        return verdict
    said = read(piece, v)
    if said and said[0].text in openers | v.inquiries:
        return None
    earlier = dictation(before, language, openers)
    return None if earlier is None or earlier.whole else Verdict(False, "it is said in pieces")


def _verdict(text: str, v: Dictation, openers: frozenset[str]) -> Verdict | None:
    tokens = read(text, v)[-RECENT:]
    if not tokens:
        return None
    clause = _clause(tokens)
    marked, command = text.rstrip().endswith("?"), clause[0].text in openers
    for announced in _announcements(tokens, v):
        if (verdict := _Announced(*announced, tokens, v).verdict()) is not None:
            return verdict
    if marked or clause[0].text in v.inquiries:
        return None
    if tokens[-1].kind == "number" and tokens[-1].text.endswith(tuple(v.scales)):
        return Verdict(False, f"the number may go on after “{tokens[-1].text}”")
    return _day(tokens, v) or _bare(tokens, v, command=command)


def _clause(tokens: Sequence[Token]) -> Sequence[Token]:
    """The last sentence. A full stop within numbers, letters or names on the net ends none."""
    for i in range(len(tokens) - 2, -1, -1):
        if tokens[i].ends in {"?", "!"} or (tokens[i].ends == "." and tokens[i].kind == "word"):
            return tokens[i + 1 :]
    return tokens


def _announcements(tokens: Sequence[Token], v: Dictation) -> list[tuple[Slot, int, int]]:
    """What was announced, the last first: the slot, and where the words that did so begin and end."""
    text = " ".join(token.text for token in tokens)
    found = []
    for slot, pattern in v.asks.items():
        for match in pattern.finditer(text):
            begin, end = (text.count(" ", 0, at) for at in (match.start(), match.end()))
            found.append((slot, begin, end + 1))
    return sorted(found, key=lambda one: one[2], reverse=True)[:3]  # stable: of two that end alike the first slot


class _Announced:
    """The verdict on what follows an announcement, by what it is."""

    def __init__(self, slot: Slot, begin: int, end: int, tokens: Sequence[Token], v: Dictation) -> None:
        self._slot = slot
        self._v = v
        self._before, self._lead, self._rest = tokens[:begin], tokens[begin:end], tokens[end:]
        opening = _clause([*self._before, self._lead[0]])
        self._clause = [*opening[:-1], *self._lead]
        self._question = self._clause[0].text in v.inquiries or any(t.text in v.manners for t in self._clause)

    def verdict(self) -> Verdict | None:
        if self._before and self._before[-1].text in self._v.others:
            return None
        if not self._rest:
            return self._nothing_yet()
        if self._rest[0].text in self._v.states or (len(self._rest) > LONGEST and self._slot not in _SPELT_OUT):
            return None
        if self._slot in _SPELT_OUT:
            return self._spelt_out()
        if self._slot != "clock" and self._question:
            return None
        match self._slot:
            case "clock":
                return self._clock()
            case "name":
                return self._name()
            case "mail":
                return self._mail()
            case "quantity":
                return self._goes_on() if all(token.numeric for token in self._rest) else None
            case "born":
                return self._born()
            case "date":
                return self._date()
            case "address":
                return self._address()
            case _:
                return self._price()

    def _goes_on(self) -> Verdict:
        return Verdict(False, f"what follows “{' '.join(t.text for t in self._lead)}” may go on")

    def _nothing_yet(self) -> Verdict | None:
        if self._question:
            return None
        alone = self._v.nouns.match(" ".join(token.text for token in self._clause))
        ends = self._lead[-1].text
        return self._goes_on() if alone or ends in self._v.expectant or ends.endswith("'s") else None

    def _spelt_out(self) -> Verdict | None:
        rest, v = self._rest, self._v
        lead, clause = (" ".join(token.text for token in part) for part in (self._lead, self._clause))
        if self._slot == "number" and v.nouns.match(lead) and not v.nouns.match(clause):
            return None  # it is only mentioned: "cancel order number five"
        if any(token.kind == "word" and token.text not in v.alphabet | v.units for token in rest):
            reads = self._lead[-1].text in v.expectant
            secret = reads and len(rest) == 1 and any(token.text.endswith(v.secrets) for token in self._lead)
            return self._goes_on() if secret else None  # else other words came in between
        if self._slot == "phone" and self._lead[-1].text in v.hours and sum(groups(rest, v)) <= 2:
            return None  # "call me at five"
        if _at_a_time(rest, v):
            return None
        digits = count(rest, v)
        joined = "".join(token.text for token in rest)
        if self._slot == "phone" and (joined in EMERGENCY or _emergency(rest, v)):
            return None
        if digits >= (_phone(rest, v) if self._slot == "phone" else self._whole()):
            return Verdict(True, f"all {digits} digits of it")
        if self._question and rest[-1].kind == "figure" and rest[-1].digits >= 4:
            return None
        return self._goes_on()

    def _whole(self) -> int:
        return ENDLESS if _is_vague(self._rest, self._v) else ALL_DIGITS.get(self._slot, ENDLESS)

    def _clock(self) -> Verdict | None:
        rest, v = self._rest, self._v
        last, before = rest[-1], rest[-2].text if len(rest) > 1 else ""
        if self._question:
            return None
        if last.text in v.past:
            return self._goes_on()
        if not last.numeric or before in v.past:
            return None
        hour = any(token.text in v.hours for token in [*self._lead, *rest]) and self._lead[-1].text != "in"
        return Verdict(True, "a time of day") if hour or _TIME.match(last.text) else self._goes_on()

    def _name(self) -> Verdict | None:
        known = self._lead[-1].text in self._v.expectant or self._lead[-1].text.endswith("'s")
        if not (known or len(self._before) <= 2 or self._before[-1].ends):
            return None
        letters = [token for token in tail(self._rest) if token.kind == "letter"]
        introduced = self._v.introduces.match(" ".join(t.text for t in [*self._before[-1:], *self._lead]))
        return self._goes_on() if letters or (len(self._rest) == 1 and not introduced) else None

    def _mail(self) -> Verdict | None:
        """A mail address, or a link. Words that look like neither say something about it: "the website is down"."""
        rest, v = self._rest, self._v
        link = any(token.text in v.pages for token in self._lead)
        shaped = any(token.kind in {"sign", "letter"} or token.numeric or _INNER.search(token.text) for token in rest)
        if rest[-1].kind == "word" and any(_INNER.search(token.text) for token in rest[:-1]):
            return None  # "write to a@b.org today"
        if not shaped and (link or len(rest) > 1 or self._lead[-1].text in {"to", "an"}):
            return None
        return _net(rest, v) or self._goes_on()

    def _born(self) -> Verdict | None:
        if self._year():
            return Verdict(True, "a date with its year")
        last, before = self._rest[-1], [*self._lead, *self._rest][-2].text
        if last.text in self._v.weekdays or (before == "in" and last.text in self._v.months):
            return None  # "my birthday is in June"
        return self._goes_on() if last.numeric or self._dates(last) else None

    def _date(self) -> Verdict | None:
        last = self._rest[-1]
        if self._year() or _TIME.match(last.text):
            return None
        run = tail(self._rest)
        before = self._rest[-len(run) - 1].text if len(run) < len(self._rest) else ""
        hour = any(token.text in self._v.hours for token in [*self._lead, *self._rest]) or before in self._v.past
        if last.numeric and hour:
            return None
        return self._goes_on() if last.numeric or (self._dates(last) and last.text not in self._v.weekdays) else None

    def _dates(self, token: Token) -> bool:
        return token.text in self._v.months | self._v.weekdays or bool(self._v.ordinals.match(token.text))

    def _year(self) -> bool:
        """Whether a year stands at the end, or figures enough for a date."""
        numbers = [token for token in self._rest if token.numeric]
        if not numbers:
            return False
        sizes = groups(self._rest, self._v)
        two = len(sizes) > 1 and sizes[-2:] == [2, 2] and any(token.text in _CENTURIES for token in numbers[-4:-1])
        if any(_YEAR.search(token.text) for token in numbers) or two or sizes[-1] >= 4:
            return numbers[-1].text not in self._v.scales
        zero = self._v.values.get(numbers[0].text, numbers[0].text) == "0" and not self._v.expires.match(
            self._lead[0].text
        )
        return len(numbers) > 2 and sum(sizes) >= (6 if zero else 4)

    def _address(self) -> Verdict | None:
        rest, v = self._rest, self._v
        if any(token.kind == "sign" or "@" in token.text or token.text.startswith("www") for token in rest):
            return _net(rest, v) or self._goes_on()
        if any(token.kind == "figure" and token.digits >= 5 for token in rest) or sum(groups(tail(rest), v)) >= 5:
            return None
        if len(rest) > 2 and rest[-2].text == "in":  # the town
            return None
        return self._goes_on() if any(token.numeric or v.streets.search(token.text) for token in rest) else None

    def _price(self) -> Verdict | None:
        rest, v = self._rest, self._v
        if not rest[-1].numeric or any(t.text in v.currencies or t.text[:1] in "$€£" for t in rest):
            return None
        sizes = groups(tail(rest), v)
        return self._goes_on() if len(sizes) < 2 or sizes[-1] != 2 else None  # "nineteen ninety nine" is a price


def _day(tokens: Sequence[Token], v: Dictation) -> Verdict | None:
    """Whether the text ends on a day without its month, or on a month that its day follows: "on the third"."""
    last, before = tokens[-1].text, " ".join(token.text for token in tokens[-4:-1])
    if v.days.search(before) and (v.ordinals.match(last) or last in v.months):
        return Verdict(False, f"the date may go on after “{last}”")
    return None


def _bare(tokens: Sequence[Token], v: Dictation, *, command: bool) -> Verdict | None:
    """The verdict on what announces nothing: it may be the answer to a question of hers, or its rest, or a command."""
    if (net := _net_by_itself(tokens, v)) is not None:
        return net
    last = tokens[-1]
    if not command and last.text in v.halves and len(tokens) > 1 and tokens[-2].numeric:
        return Verdict(False, f"the measure may go on after “{last.text}”")
    if last.numeric and len(tokens) > 2 and tokens[-2].text in v.conjunctions and tokens[-3].kind == "word":
        return Verdict(False, f"of what there are “{last.text}” is not said yet")
    run = tail(tokens)
    if not run or _emergency(run, v):
        return None
    before = tokens[-len(run) - 1].text if len(run) < len(tokens) else ""
    letters = [token.text for token in run if token.kind == "letter"]
    numbers = groups(run, v)
    items = len(letters) + len(numbers)
    goes_on = Verdict(False, f"“{' '.join(t.text for t in run[-4:])}” is being spelt out")
    if run[-1].example or (letters and any(token.text in v.repeats for token in run)):
        return goes_on
    singles = max((sum(1 for _ in part) for part in _singles(run)), default=0)
    if run[-1].kind == "sign" and run[-1].text in v.breaks and before not in v.articles:
        return goes_on
    if command and singles < 2:
        return None
    if letters and items > 1:
        joined = "".join(letters)
        acronym = (
            run[-1].kind == "letter" and joined in v.units if numbers else joined in ACRONYMS and before in v.articles
        )  # "3 p m", "the U S A"
        return None if acronym else goes_on
    figures = sum(token.kind == "figure" for token in run)
    alone = len(run) == len(tokens) and (len(numbers) > 1 or sum(numbers) > 2) and not _YEAR.match(run[-1].text)
    alone = alone or (
        before.endswith(("'s", "is", "ist")) and run[0].kind == "figure" and run[0].digits == 3
    )  # "it's 555"
    alone = alone or run[0].text.startswith(("plus", "+")) or any(token.text in v.repeats for token in run)
    if not (singles > 1 or figures > 1 or len(numbers) > 2 or alone) or not numbers:
        return None
    if _TIME.match(run[-1].text) or _at_a_time(run, v):
        return None
    return Verdict(True, "all digits of a phone number") if count(run, v) >= _phone(run, v) else goes_on


def _at_a_time(run: Sequence[Token], v: Dictation) -> bool:
    """Whether a time is told and no mail address: "a table for two at eight"."""
    return any(sign.text in v.ats and hour.numeric for sign, hour in pairwise(run))


def _singles(run: Sequence[Token]) -> list[list[Token]]:
    """The stretches of single digits."""
    parts: list[list[Token]] = [[]]
    for token in run:
        if token.kind == "digit":
            parts[-1].append(token)
        elif token.kind != "link":
            parts.append([])
    return parts


def _phone(run: Sequence[Token], v: Dictation) -> int:
    """How many digits a phone number that begins like this one has at least."""
    first = next((token for token in run if token.numeric), None)
    if first is None or _is_vague(run, v):
        return ENDLESS
    start = "".join(v.values.get(token.text, token.text) for token in run if token.numeric)[:2]
    if run[0].text.startswith(("plus", "+")):
        return 12 if start in {"49", "44"} or first.text.startswith(("+49", "+44")) else 11
    if v.phone and start != "00":
        return v.phone
    return 13 if start == "00" else 11 if start[:1] in {"0", "1"} else 10


def _is_vague(run: Sequence[Token], v: Dictation) -> bool:
    """Whether nobody can tell how many digits were said."""
    return v.vague and any(token.kind == "number" for token in run)


def _emergency(run: Sequence[Token], v: Dictation) -> bool:
    return "".join(v.values.get(token.text, token.text) for token in run) in EMERGENCY


def _net(rest: Sequence[Token], v: Dictation) -> Verdict | None:
    """Whether a name on the net, or a mail address, is whole; None if it is not yet.

    A mail address is whole with its last name. A link that is spelt out may go on with a path.
    """
    last, before = rest[-1], rest[-2].text if len(rest) > 1 else ""
    ending = last.text.rpartition(".")[2] if "." in last.text else last.text if before in v.dots else ""
    mail = "@" in last.text or any(token.text in v.ats for token in rest)
    if ending in TLDS:
        return Verdict(True, f"ends on “.{ending}”") if mail or "." in last.text else Verdict(False, "a link may go on")
    return None


def _net_by_itself(tokens: Sequence[Token], v: Dictation) -> Verdict | None:
    """The same of a text that does not announce one: only what is evidently one."""
    last = tokens[-1]
    texts = [token.text for token in tokens[-8:]]
    before = texts[-2] if len(texts) > 1 else ""
    further = texts[-3] if len(texts) > 2 else ""
    ended = _net(tokens, v)
    if "@" in last.text or last.text.startswith("www") or (before in v.ats and last.text in PROVIDERS):
        return ended or Verdict(False, "a mail address may go on")
    if before in v.ats and last.kind == "word" and any(text in v.dots for text in texts[:-2]):
        return Verdict(False, "a mail address may go on")
    if before in v.dots and before not in {"point", "period"} and further not in v.articles and further:
        return ended if ended is not None else Verdict(False, f"“{before} {last.text}” may go on")
    return None
