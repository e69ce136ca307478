"""From spoken form to written form: numbers as digits, capitals and end marks. English; pure.

The recogniser writes "what is twenty three percent of ten dollars"; a reader expects "What is 23% of $10?". Small
numbers stay words unless something says that they are a quantity ("ten minutes" but "one of them").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipelines.embedded.speech.ears.hypothesis import HeardWord


def _listed(words: str) -> list[str]:
    return words.split()


_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_SMALL = {w: n for n, w in enumerate(_listed(f"{_UNITS} seventeen eighteen nineteen"))}
_TENS = {w: 10 * n for n, w in enumerate(_listed("twenty thirty forty fifty sixty seventy eighty ninety"), 2)}
_SCALES = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_DIGITS = {w: str(n) for w, n in _SMALL.items() if n < 10} | {"oh": "0"}
_ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
_ORDINAL = {w: n for n, w in enumerate(_listed(f"{_ORDINALS} fourteenth fifteenth sixteenth seventeenth"))}
_ORDINAL |= {"eighteenth": 18, "nineteenth": 19}
_ORDINAL |= {w: 10 * n for n, w in enumerate(_listed("twentieth thirtieth fortieth fiftieth"), 2)}

_QUANTITIES = frozenset(
    _listed(
        """second seconds minute minutes hour hours day days week weeks month months year years o'clock degree degrees
    meter meters metre metres kilometer kilometers centimeter centimeters millimeter millimeters mile miles foot feet
    inch inches yard yards gram grams kilogram kilograms kilo kilos pound pounds ounce ounces ton tons liter liters
    gallon gallons kelvin celsius fahrenheit euro euros dollar dollars cent cents percent times plus minus divided
    multiplied squared cubed watts volts hertz bytes megabytes gigabytes"""
    )
)
_OPERATORS = frozenset(_listed("plus minus times by over"))
_MONTHS = _listed("january february march april may june july august september october november december")
_YEAR_LEADS = frozenset(["in", "since", "year", "until", "from", "of", "by", "before", "after", *_MONTHS])
_TIME_LEADS = frozenset(_listed("at is it's until till by before after around for"))

_GREETINGS = frozenset(_listed("hello hi hey"))
_LEADS = frozenset(
    _listed("okay ok so and but well please now then yes no sophia sorry thanks oh um uh alright computer")
)
_ASKING = frozenset(_listed("what who where when why how which whose whom what's who's where's when's how's"))
_AUXILIARIES = frozenset(
    _listed(
        """is are am was were do does did can could will would shall should may might have has had isn't aren't wasn't
    don't doesn't didn't can't couldn't won't wouldn't shouldn't haven't hasn't"""
    )
)
_SUBJECTS = frozenset(_listed("i you he she we they it there this that the a an my your his her our their sophia any"))
_PLURALS = frozenset(_listed("people many most all these those some"))
_NAMES = frozenset(
    _listed(
        """sophia nova aurora nvidia
        monday tuesday wednesday thursday friday saturday sunday january february april june
    july august september october november december christmas easter london paris berlin tokyo rome madrid munich
    chicago boston london england france germany italy spain japan china canada austria america europe africa asia
    english german french spanish italian john maria david anna peter sarah michael emma thomas alex paul julia
    albert einstein romeo juliet mars venus jupiter saturn everest"""
    )
)
_PHRASES = {("new", "york"), ("san", "francisco"), ("los", "angeles"), ("united", "states"), ("united", "kingdom")}
_BINDING = frozenset(_listed("know wonder ask tell me is are was about of that remember sophia and or but so to"))
"""After these, a question word goes on with the sentence: "do you know what time it is"."""

_MARKS = ".,?!;:"

_SENTENCE_PAUSE = 100
"""Pause in ms without which no sentence ends inside an utterance."""

_SPELLED = {"nvidia": "NVIDIA", "tv": "TV", "usa": "USA", "dna": "DNA"}


@dataclass(frozen=True, slots=True)
class _Number:
    """A number read from ``words[i:end]``; ``plain`` if it is one or more words of a simple cardinal."""

    text: str
    end: int
    value: int | None = None


def written(words: Sequence[HeardWord], *, numbers: bool, punctuation: bool) -> tuple[HeardWord, ...]:
    """The words in written form; a written word spans the time of the spoken ones it replaces.

    ``numbers`` turns number words into digits, ``punctuation`` sets capitals and the end mark.
    """
    out: list[HeardWord] = []
    for spoken in _sentences(words) if punctuation else [list(words)]:
        sentence = _digits(spoken) if numbers else spoken
        out += _punctuated([w.text for w in spoken], sentence) if punctuation else sentence
    return tuple(out)


def _sentences(words: Sequence[HeardWord]) -> list[list[HeardWord]]:
    """Cuts where a question begins after an audible pause: "hello i am anna | what time is it"."""
    out: list[list[HeardWord]] = []
    for i, word in enumerate(words):
        pause = word.start - words[i - 1].end if i else 0
        if not out or (
            pause >= _SENTENCE_PAUSE
            and words[i - 1].text not in _BINDING
            and is_question([w.text for w in words[i : i + 3]])
        ):
            out.append([])
        out[-1].append(word)
    return out


def with_digits(words: Sequence[HeardWord]) -> tuple[HeardWord, ...]:
    """The same words, written already, with digits for number words: "ten meters." becomes "10 meters."."""
    out: list[HeardWord] = []
    clause: list[HeardWord] = []
    for word in words:
        clause.append(word)
        if word.text[-1:] in _MARKS or word is words[-1]:  # no number goes on behind a mark
            out += _clause_with_digits(clause)
            clause = []
    return tuple(out)


def _clause_with_digits(words: Sequence[HeardWord]) -> list[HeardWord]:
    # Places in the clause stand for times here: interims have no times.
    bare = [HeardWord(part, i, i + 1, word.confidence) for i, word in enumerate(words) for part in _bare(word.text)]
    out: list[HeardWord] = []
    for word in _digits(bare):
        first, last = words[word.start], words[word.end - 1]
        if [word.text] == _bare(first.text):
            out.append(first)
        else:
            mark = last.text[len(last.text.rstrip(_MARKS)) :]
            out.append(HeardWord(word.text + mark, first.start, last.end, word.confidence))
    return out


def _bare(word: str) -> list[str]:
    """Small letters without the mark; "twenty-three" as two words."""
    bare = word.rstrip(_MARKS).lower()
    tens, hyphen, unit = bare.partition("-")
    return [tens, unit] if hyphen and tens in _TENS and unit in _SMALL else [bare]


# Numbers -------------------------------------------------------------------------------------------------------------


def _digits(spoken: Sequence[HeardWord]) -> list[HeardWord]:
    words = [w.text for w in spoken]
    out: list[HeardWord] = []
    i = 0
    while i < len(words):
        number = next((n for reader in _READERS if (n := reader(words, i))), None)
        if number is None:
            out.append(spoken[i])
            i += 1
            continue
        span = spoken[i : number.end]
        confidence = sum(w.confidence for w in span) / len(span)
        out.append(HeardWord(number.text, span[0].start, span[-1].end, confidence))
        i = number.end
    return out


def cardinal(words: Sequence[str], i: int) -> tuple[int, int] | None:
    """The value and end of the longest cardinal at ``i`` ("one hundred and five"), or ``None``."""
    total = group = 0
    end = i
    last = ""  # what kind of word came last in this group
    while end < len(words):
        word = words[end]
        if word in _TENS and last in ("", "hundred"):
            group, last = group + _TENS[word], "tens"
        elif word in _SMALL and (last in ("", "hundred") or (last == "tens" and 0 < _SMALL[word] < 10)):
            if word == "zero" and end > i:
                break
            group, last = group + _SMALL[word], "small"
        elif word == "hundred" and last in ("small", "") and 0 <= group < 10 and (group or _is_a(words, end, i)):
            group, last = max(group, 1) * 100, "hundred"
        elif word in _SCALES and (group or _is_a(words, end, i)) and (total == 0 or total > _SCALES[word] * 999):
            total, group, last = total + max(group, 1) * _SCALES[word], 0, ""
        elif not _is_glue(words, end, i):
            break
        end += 1
    while end > i and words[end - 1] == "and":
        end -= 1
    return (total + group, end) if end > i else None


def _is_glue(words: Sequence[str], end: int, start: int) -> bool:
    """Whether the word belongs to a number without a value: "a hundred", "two hundred and five"."""
    if words[end] == "a":
        return end == start and _word(words, end + 1) in ("hundred", *_SCALES)
    return words[end] == "and" and end > start and words[end - 1] in ("hundred", *_SCALES) and _follows(words, end + 1)


def _is_a(words: Sequence[str], end: int, start: int) -> bool:
    return end == start + 1 and words[start] == "a"


def _follows(words: Sequence[str], i: int) -> bool:
    return i < len(words) and (words[i] in _TENS or words[i] in _SMALL) and words[i] != "zero"


def _word(words: Sequence[str], i: int) -> str:
    return words[i] if 0 <= i < len(words) else ""


def _digit_run(words: Sequence[str], i: int) -> _Number | None:
    """Four or more single digits in a row: a telephone number, a code."""
    end = i
    while _word(words, end) in _DIGITS:
        end += 1
    return _Number("".join(_DIGITS[w] for w in words[i:end]), end) if end - i >= 4 else None


def _clock(words: Sequence[str], i: int) -> _Number | None:
    """Reads "six thirty p m", "seven a m", and "at six thirty"."""
    hour = _SMALL.get(_word(words, i), 0)
    if not 1 <= hour <= 12:
        return None
    end, minutes = i + 1, ""
    if _word(words, end) == "oh" and 0 < _SMALL.get(_word(words, end + 1), 0) < 10:
        minutes, end = f":0{_SMALL[words[end + 1]]}", end + 2
    elif (found := cardinal(words, end)) and 10 <= found[0] <= 59:
        minutes, end = f":{found[0]}", found[1]
    half = _word(words, end)
    if half in ("am", "pm"):
        return _Number(f"{hour}{minutes} {half[0]}.m.", end + 1)
    if half in ("a", "p", "a.", "p.") and _word(words, end + 1) in ("m", "m."):
        return _Number(f"{hour}{minutes} {half[0]}.m.", end + 2)
    if minutes and _word(words, i - 1) in _TIME_LEADS and _word(words, end) not in _QUANTITIES:
        return _Number(f"{hour}{minutes}", end)
    return None


def _year(words: Sequence[str], i: int) -> _Number | None:
    """Reads "in nineteen ninety nine"."""
    if _word(words, i - 1) not in _YEAR_LEADS:
        return None
    century = cardinal(words, i)
    if century is None or century[0] not in range(11, 21):
        return None
    rest = cardinal(words, century[1])
    if rest is None or not 10 <= rest[0] <= 99 or _word(words, rest[1]) in _QUANTITIES:
        return None
    return _Number(f"{century[0]}{rest[0]}", rest[1])


def _ordinal(words: Sequence[str], i: int) -> _Number | None:
    """Reads "twenty first", "may third"; small ordinals stay words elsewhere."""
    tens = _TENS.get(_word(words, i))
    if tens and 0 < _ORDINAL.get(_word(words, i + 1), 0) < 10:
        value, end = tens + _ORDINAL[words[i + 1]], i + 2
    elif (value := _ORDINAL.get(_word(words, i), 0)) >= 13 or (value and _word(words, i - 1) in _MONTHS):
        end = i + 1
    else:
        return None
    suffix = "th" if value in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return _Number(f"{value}{suffix}", end)


def _quantity(words: Sequence[str], i: int) -> _Number | None:
    """Any other number, where it is large or something says that it counts."""
    found = cardinal(words, i)
    if found is None:
        return None
    value, end = found
    text = str(value)
    decimal = _word(words, end) == "point" and _word(words, end + 1) in _DIGITS
    if decimal:
        end += 1
        begin = end
        while _word(words, end) in _DIGITS:
            end += 1
        text += "." + "".join(_DIGITS[w] for w in words[begin:end])
    following = _word(words, end)
    if following == "percent":
        return _Number(f"{text}%", end + 1)
    if following in ("dollar", "dollars"):
        return _Number(f"${text}", end + 1)
    counts = (
        decimal
        or value >= 13
        or end - i > 1
        or following in _QUANTITIES
        or _word(words, i - 1) in _OPERATORS
        or tuple(words[max(0, i - 2) : i]) in (("root", "of"), ("percent", "of"))
    )
    return _Number(text, end) if counts else None


_READERS: tuple[Callable[[Sequence[str], int], _Number | None], ...] = (
    _digit_run,
    _clock,
    _year,
    _ordinal,
    _quantity,
)

# Capitals and end marks ----------------------------------------------------------------------------------------------


def _punctuated(spoken: Sequence[str], words: list[HeardWord]) -> list[HeardWord]:
    texts = [w.text for w in words]
    lower = list(texts)
    for i, text in enumerate(lower):
        if text in _NAMES or (text, _word(lower, i + 1)) in _PHRASES or (_word(lower, i - 1), text) in _PHRASES:
            texts[i] = _SPELLED.get(text, text.capitalize())
        elif text in _SPELLED:
            texts[i] = _SPELLED[text]
        elif text == "i" or text.startswith("i'"):
            texts[i] = "I" + text[1:]
        elif text in ("march", "may") and _word(texts, i + 1)[:1].isdigit():
            texts[i] = text.capitalize()
    called = 2 if len(texts) > 1 and texts[0] in _GREETINGS and texts[1] == "Sophia" else 0
    if called and len(texts) > called:
        texts[called - 1] += ","
    texts[0] = texts[0][:1].upper() + texts[0][1:]
    mark = "?" if is_question(spoken) else "."
    if not (mark == "." and texts[-1].endswith(".")):
        texts[-1] += mark
    return [replace(w, text=t) for w, t in zip(words, texts, strict=True)]


def is_question(words: Sequence[str]) -> bool:
    """Whether an utterance in spoken form reads like a question."""
    i = 0
    while i < len(words) and (words[i] in _GREETINGS or words[i] in _LEADS or words[i] == "there"):
        i += 1
    first, second = _word(words, i), _word(words, i + 1)
    if first in _ASKING:
        if first in ("what", "how") and second in ("a", "nice", "wonderful", "funny", "beautiful"):
            return False
        return not (first in ("when", "where") and second in ("i", "you", "we", "he", "she", "they"))
    if first in ("do", "have"):
        return second in ("i", "you", "we", "they", *_PLURALS)
    if first in _AUXILIARIES and len(words) > i + 1:
        return second in _SUBJECTS or second in _PLURALS or second in _NAMES or len(words) > i + 2
    return words[-2:] == ["or", "not"] or (len(words) == 1 and first in ("really", "pardon"))
