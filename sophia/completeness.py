"""How finished a piece of recognised text sounds, and whether it is a mere backchannel. English and German.

A pure judgement on words. :mod:`sophia.endpointing` weighs pauses and voices. Another :class:`TurnModel` (a classifier,
say) can take this one's place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Protocol

from sophia.dictation import dictation

Sounds = Literal["complete", "open", "unfinished"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """How the text sounds, and why, in words for a log line."""

    sounds: Sounds
    reason: str


class TurnModel(Protocol):
    """Says how finished an utterance sounds. Must be quick (it is asked on each transcript) and free of I/O.

    A line break in the text is a pause that the user has spoken on after.
    """

    def judge(self, text: str, language: str) -> Judgement: ...


_WORD = re.compile(r"[^\W_]+(?:['’.:,][^\W_]+)*", re.UNICODE)


def words(text: str) -> list[str]:
    """The text's words, lower case, without punctuation: what two transcripts are compared by."""
    return [w.lower().replace("’", "'") for w in _WORD.findall(text)]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class _Language:
    trailing: frozenset[str]  # a sentence does not end on these
    stranded: frozenset[str]  # … nor on these, unless it is a question: "what are you waiting for"
    fillers: frozenset[str]
    numbers: frozenset[str]  # a number may go on after these
    openers: frozenset[str]  # a question or request that begins so and has a few words is usually whole
    whole: frozenset[str]  # whole utterances, joined by blanks
    backchannels: frozenset[str]


_ENGLISH = _Language(
    trailing=_set(
        "and or but because if when while although though unless until since whereas "
        "the a an my your his our its their these those any every each "
        "i'm i'd i'll i've you're we're they're let's what's who's where's that's "
        "than into onto during without against very quite plus minus times divided equals is are was were will would"
    ),
    stranded=_set(
        "to of in on at by for with from about over under between through as like i we he she they am be been can "
        "could should shall may might must that which who whose whom where her this"
    ),
    fillers=_set("um uh uhm umm erm er hmm well like actually basically so"),
    numbers=_set("hundred thousand million twenty thirty forty fifty sixty seventy eighty ninety point dot zero oh"),
    openers=_set(
        "what who where when why how which whose is are was were do does did can could would will should have has "
        "tell give show play stop start go turn open close call set remind say repeat continue please let help move"
    ),
    whole=frozenset({"yes", "no", "yeah", "nope", "okay", "ok", "sure", "stop", "wait", "thanks", "thank you", "hello",
                     "yes please", "no thanks",
                     "hi", "hey", "goodbye", "bye", "hello sophia", "hi sophia", "hey sophia", "good morning",
                     "good evening", "of course", "never mind", "go on", "go ahead", "continue", "repeat that",
                     "that's it", "that's all", "how are you", "what's up"}),
    backchannels=frozenset({"mhm", "mm", "mmm", "mm hmm", "mmhmm", "uh huh", "uhuh", "hmm", "hm", "yeah", "yes", "yep",
                            "ok", "okay", "right", "i see", "sure", "oh", "ah", "aha", "wow", "cool", "nice", "great",
                            "got it", "oh really", "really", "true", "exactly", "alright", "all right", "huh"}),
)  # fmt: skip
_GERMAN = _Language(
    trailing=_set(
        "und oder aber sondern denn weil dass ob wenn als während obwohl damit bis seit der die das den dem des "
        "eine einen einem einer eines mein meine meinen dein deine sein seine ihre unser unsere dieser diese dieses "
        "kein keine jeder jede zu von im am für zwischen durch ohne gegen wie sehr plus minus mal geteilt"
    ),
    stranded=_set(
        "in an auf mit bei nach aus über unter um vor ein ich wir er sie ihr ist sind war waren bin bist wird werden "
        "würde kann können könnte soll sollte muss müssen will wollen möchte möchten darf hat haben habe hatte dann"
    ),
    fillers=_set("äh ähm hm hmm also naja tja öhm halt eigentlich"),
    numbers=_set("hundert tausend million komma null und"),
    openers=_set(
        "was wer wo wann warum wieso wie welche welcher welches wohin woher ist sind war kannst können könntest hast "
        "haben willst würdest soll erzähl erzähle sag sage zeig zeige spiel stopp geh mach gib wiederhole hilf"
    ),
    whole=frozenset({"ja", "nein", "doch", "okay", "ok", "klar", "stopp", "stop", "halt", "warte", "danke", "hallo",
                     "danke schön", "vielen dank", "tschüss", "auf wiedersehen", "guten morgen", "guten tag",
                     "guten abend", "hallo sophia", "weiter", "mach weiter", "genau", "wie geht's", "wie geht es dir",
                     "nö", "ja bitte", "ja gerne", "nein danke"}),
    backchannels=frozenset({"mhm", "mm", "hm", "hmm", "ja", "ja ja", "jaja", "ok", "okay", "genau", "klar", "stimmt",
                            "aha", "ach so", "achso", "ach", "oh", "ah", "gut", "alles klar", "verstehe", "richtig",
                            "echt", "wirklich", "cool", "super", "na klar"}),
)  # fmt: skip


_BEFORE = _set("sophia hey hello yes no yeah yep nope okay ok ja nein doch nö bitte")
"""Words that may stand before the question or the request itself: a name, a greeting, an answer."""


def _language(code: str) -> _Language:
    return _GERMAN if code.lower().startswith("de") else _ENGLISH


def is_backchannel(text: str, language: str = "en-US") -> bool:
    """Whether the text only says "I am listening": "mhm", "okay okay", "ach so"."""
    said = words(text)
    if not said or len(said) > 4:
        return False
    known = _language(language).backchannels
    if " ".join(said) in known:
        return True
    return all(word in known for word in said)


class WordTurnModel:
    """The built-in model: trailing conjunctions, fillers and dictations are unfinished, whole phrases complete."""

    def judge(self, text: str, language: str) -> Judgement:
        lang = _language(language)
        said = words(text)
        if not said:
            return Judgement("open", "no words yet")
        last, joined, ending = said[-1], " ".join(said), text.rstrip()[-1:]
        if joined in lang.whole:
            return Judgement("complete", f"“{joined}” is whole")
        if text.rstrip().endswith(("…", "...", "-", "–", ",")):
            return Judgement("unfinished", "the text trails off")
        if last in lang.fillers:
            return Judgement("unfinished", f"ends on the filler “{last}”")
        # What is dictated is judged by its words: a recogniser puts a full stop behind every group of digits.
        if (verdict := dictation(text, language, lang.openers)) is not None:
            return Judgement("complete" if verdict.whole else "unfinished", verdict.reason)
        asks = _asks(said, lang)
        if ending == "?" and len(said) >= 4:  # a recogniser that punctuates a longer question has heard it end
            return Judgement("complete", "ends as a question")
        if last in lang.trailing or (last in lang.stranded and not asks):
            return Judgement("unfinished", f"ends on “{last}”")
        if last in lang.stranded:
            return Judgement("open", f"a question that may end on “{last}”")
        if last in lang.numbers:
            return Judgement("unfinished", f"the number may go on after “{last}”")
        if re.search(r"\d[.,:]?$", text.rstrip()) and not asks:
            return Judgement("open", "ends on a number")
        if asks >= 3:
            return Judgement("complete", f"a whole sentence that begins with “{said[-asks]}”")
        if ending in {".", "!"} and len(said) >= 3:
            return Judgement("complete", "ends as a sentence")
        return Judgement("open", "nothing says it is over")


def _asks(said: list[str], lang: _Language) -> int:
    """How many words the question or the request has that is said; 0 if none is."""
    for place, word in enumerate(said):
        if word not in lang.fillers and word not in _BEFORE:
            return len(said) - place if word in lang.openers or word.split("'")[0] in lang.openers else 0
    return 0
