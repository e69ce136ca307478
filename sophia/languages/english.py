"""English. Data only; :mod:`sophia.languages.table` says what each member is for."""

from __future__ import annotations

from sophia.languages.english_dictation import DICTATION
from sophia.languages.table import Clauses, Language, Words, listed, phrases

ENGLISH = Language(
    code="en",
    name="English",
    words=Words(
        trailing=listed(
            "and or but because if when while although though unless until since whereas the a an my your his our its "
            "their these those any every each even either neither i'm i'd i'll i've you're we're they're let's what's "
            "who's where's that's than into onto during without against very quite plus minus times divided equals is "
            "are was were will would"
        ),
        stranded=listed(
            "to of in on at by for with from about over under between through as like i we he she they am be been can "
            "could should shall may might must that which who whose whom where her this more still not"
        ),
        fillers=listed("um uh uhm umm erm er hmm well like actually basically so"),
        numbers=listed(
            "hundred thousand million twenty thirty forty fifty sixty seventy eighty ninety point dot zero oh"
        ),
        openers=listed(
            "what who where when why how which whose is are was were do does did can could would will should have has "
            "tell give show play stop start go turn open close call set remind say repeat continue please let help "
            "move"
        ),
        requests=listed(
            "add book buy bring cancel check convert count delete dim find lock look make mute navigate order pause "
            "put read search send ship skip switch take text translate wake write"
        ),
        verbs=listed(
            "am is are was were isn't aren't wasn't weren't have has had haven't hasn't hadn't do does did don't "
            "doesn't didn't can can't cannot could couldn't will won't would wouldn't shall should shouldn't may "
            "might must i'm you're he's she's it's we're they're that's there's here's i've you've we've they've i'll "
            "we'll got need needs want wants like likes love loves live lives work works know knows feel feels look "
            "looks seem seems get gets take takes took make makes made come comes came go goes went see saw find "
            "found lose lost leave leaves left start starts started run runs ran play plays drive drives wear wears "
            "bought paid cost costs prefer prefers forgot remember keep keeps use uses hope moved booked ordered"
        ),
        modals=frozenset(),
        genitive=listed("of"),
        pronouns=listed("i you he she it we they this that"),
        relatives=listed("than as what who where when why how which whatever wherever"),
        subordinate=listed("if because although though unless until since whereas while once after before"),
        whole=frozenset(phrases(
            "yes, no, yeah, nope, okay, ok, sure, stop, wait, thanks, thank you, hello, yes please, no thanks, hi, "
            "hey, goodbye, bye, hello sophia, hi sophia, hey sophia, good morning, good evening, of course, "
            "never mind, go on, go ahead, continue, repeat that, that's it, that's all, how are you, what's up"
        )),
        backchannels=frozenset(phrases(
            "mhm, mm, mmm, mm hmm, mmhmm, uh huh, uhuh, hmm, hm, yeah, yes, yep, ok, okay, right, i see, sure, oh, "
            "ah, aha, wow, cool, nice, great, got it, oh really, really, true, exactly, alright, all right, huh"
        )),
        leads=listed("sophia hey hello yes no yeah yep nope okay ok ja nein doch nö bitte"),
    ),
    clauses=Clauses(
        abbreviations=listed(
            "mr mrs ms dr prof sr jr st vs etc approx dept est fig inc ltd co corp gen col sgt capt lt rev hon mt ft "
            "apt rt hwy ch art eq ext jan feb apr jun jul aug sep sept oct nov dec tue tues wed thu thur thurs fri "
            "nos vol pp ca cf al"
        ),
        conjunctions=listed(
            "and but or so because which who while when where if although though since until unless whereas"
        ),
        openers=listed(
            "that with without from into about between through during before after as than to for in on at by of"
        ),
    ),
    dictation=DICTATION,
    yes=phrases(
        "yes, yeah, yep, yup, sure, ok, okay, of course, certainly, please, please do, yes please, go ahead, do it, "
        "do that, sounds good, that's right, right, exactly, fine"
    ),
    no=phrases(
        "no, nope, nah, no thanks, no thank you, don't, do not, please don't, don't do it, don't do that, stop, "
        "cancel, cancel that, never mind, not now, rather not, better not, wait"
    ),
    waiting={
        "look": (
            "One moment, I'm looking.",
            "Let me have a look.",
            "I'll check that.",
            "Let me see.",
        ),
        "work": (
            "One moment, I'm on it.",
            "I'm doing that now.",
            "Just a second.",
        ),
        "reckon": (
            "Let me work that out.",
            "One moment, I'm working it out.",
            "Let me think that through.",
        ),
        "ask": (
            "One moment, I'm asking.",
            "Let me ask about that.",
            "I'll find that out for you.",
        ),
    },
    still=("I'm still at it.", "It's taking a little longer.", "Still working on it."),
    shall="Shall I run {tool}?",
    shall_with="Shall I run {tool}, with {given}?",
    phrases={
        "reprompt": "Sorry, I didn't catch that. Could you say it again?",
        "away": "Sorry, I can't hear you just now.",
        "recorded": "Just so you know: this conversation is recorded.",
        "llm": "Sorry, I can't think straight right now.",
        "tts": "Sorry, I lost my voice for a moment.",
        "asr": "Sorry, I can't hear you any more.",
    },
    inviting=("yes or no", "let me know", "tell me"),
    answer_in="Answer in English.",
    trial="What time is it?",
    signs={
        "×": "times", "÷": "divided by", "+": "plus", "−": "minus", "±": "plus or minus", "^": "to the",
        "²": "squared", "³": "cubed", "<": "less than", ">": "more than", "≤": "at most", "≥": "at least",
        "is <": "is less than", "is >": "is greater than", "is ≤": "is at most", "is ≥": "is at least", "=": "equals",
        "≠": "is not equal to", "≈": "about", "is ≈": "is about", "to": "to", "from": "from", "/": "over",
        "#": "number", "§": "section", "‰": "per mille", "√": "the square root of", "∞": "infinity", "∑": "the sum of",
        "∏": "the product of", "∫": "the integral of", "∂": "partial", "∇": "nabla", "∆": "delta", "∈": "in",
        "∉": "not in", "∀": "for all", "∃": "there is", "∪": "union", "∩": "intersected with", "⊂": "is a subset of",
        "∅": "the empty set", "∝": "is proportional to", "∥": "is parallel to", "⊥": "is perpendicular to",
        "∠": "angle", "∴": "therefore", "∧": "and", "∨": "or", "¬": "not", "by": "by", "given": "given",
        "choose": "choose", "and": "and", "½": "one half", "⅓": "one third", "⅔": "two thirds", "¼": "one quarter",
        "¾": "three quarters", "⅛": "one eighth", "up": "up", "down": "down", "yes": "yes", "no": "no",
        "m²": "square meters", "km²": "square kilometers", "cm²": "square centimeters", "m³": "cubic meters",
        "km³": "cubic kilometers", "cm³": "cubic centimeters", "dot": "dot", "@": "at", "code": "Code example.",
    },
    grouping=",",
)  # fmt: skip
