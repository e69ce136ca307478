"""A mood by words, for a model that marks none: ``Congratulations!`` is joy, ``I'm sorry`` is sadness.

A small lexicon, not a judgement: where it is not sure it says nothing. It reads her own words and nobody else's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

Words = Mapping[str, str]

ENGLISH: Final[Words] = {
    "joy": r"congratulations|wonderful|fantastic|delight(?:ed|ful)|lovely|hooray|happy birthday|well done|great news|"
    r"good news|glad|happy to|haha|my pleasure|that'?s great|welcome back",
    "sadness": r"sorry|unfortunately|sad(?:ly)?|bad news|i regret|that'?s a pity|condolences",
    "amazement": r"wow|amazing|astonishing|incredible|unbelievable|what a surprise|my goodness",
    "fear": r"careful|watch out|dangerous|that'?s alarming|scary",
    "disgust": r"yuck|disgusting|gross",
}
GERMAN: Final[Words] = {
    "joy": r"glückwunsch|gratuliere|wunderbar|fantastisch|großartig|hurra|gut gemacht|gute nachrichten?|freu(?:e|t)|"
    r"haha|sehr gern|schön, dass|alles gute",
    "sadness": r"tut mir leid|leider|traurig|schlechte nachrichten?|bedaure|schade|beileid",
    "amazement": r"wow|erstaunlich|unglaublich|kaum zu glauben|was für eine überraschung|donnerwetter",
    "fear": r"vorsicht|gefährlich|pass auf|beunruhigend|unheimlich",
    "disgust": r"igitt|ekelhaft|eklig|widerlich",
}
SPANISH: Final[Words] = {
    "joy": r"felicidades|enhorabuena|maravilloso|fantástico|estupendo|me alegr[ao]|buenas noticias|qué bien",
    "sadness": r"lo siento|lamento|desgraciadamente|por desgracia|triste|malas noticias|qué pena",
    "amazement": r"increíble|asombroso|vaya sorpresa|madre mía",
    "fear": r"cuidado|peligros[ao]|inquietante",
    "disgust": r"puaj|qué asco|asqueros[ao]",
}
FRENCH: Final[Words] = {
    "joy": r"félicitations|bravo|merveilleu(?:x|se)|fantastique|formidable|ravie?|bonnes? nouvelles?|avec plaisir|"
    r"je me réjouis",
    "sadness": r"désolée?|malheureusement|hélas|triste|mauvaises? nouvelles?|je regrette|quel dommage|condoléances",
    "amazement": r"incroyable|étonnant|quelle surprise|ça alors",
    "fear": r"attention|dangereu(?:x|se)|inquiétant",
    "disgust": r"beurk|dégoûtant|répugnant",
}
ITALIAN: Final[Words] = {
    "joy": r"congratulazioni|complimenti|meraviglios[ao]|fantastic[ao]|evviva|sono felice|buone notizie|volentieri|"
    r"che bello",
    "sadness": r"mi dispiace|purtroppo|triste|cattive notizie|che peccato|condoglianze",
    "amazement": r"incredibile|sorprendente|che sorpresa|accidenti",
    "fear": r"attenzione|attento|pericolos[ao]|inquietante",
    "disgust": r"che schifo|disgustos[ao]|bleah",
}

NOT: Final = {
    "en": r"not|no|never|nothing|isn'?t|wasn'?t|don'?t|didn'?t|won'?t|can'?t|without|hardly|if",
    "de": r"nicht|kein\w*|nie|nichts|ohne|kaum|wenn|falls",
    "es": r"no|nunca|nada|sin|si",
    "fr": r"ne|n'\w+|pas|jamais|rien|sans|si",
    "it": r"non|mai|niente|senza|se",
}
"""What a word of mood means nothing behind, up to two words before it."""

_WORDS = {"en": ENGLISH, "de": GERMAN, "es": SPANISH, "fr": FRENCH, "it": ITALIAN}
LANGUAGES: Final = tuple(_WORDS)


def _compiled(language: str, words: str) -> re.Pattern[str]:
    # A negation, then up to two words, takes the word along: it matches, and its group does not.
    denied = rf"\b(?:{NOT[language]})\b(?:\W+\w+){{0,2}}?\W+(?:{words})\b"
    return re.compile(rf"{denied}|\b(?P<felt>{words})\b", re.IGNORECASE)


_FELT = {tongue: {mood: _compiled(tongue, words) for mood, words in table.items()} for tongue, table in _WORDS.items()}


def guessed(clause: str, language: str) -> str:
    """The mood that a clause's words tell, or nothing; the first of them counts. ``language`` is a BCP 47 tag."""
    found: list[tuple[int, str]] = []
    for mood, pattern in _FELT.get(language[:2].lower(), {}).items():
        found += [(match.start("felt"), mood) for match in pattern.finditer(clause.replace("’", "'")) if match["felt"]]
    return min(found)[1] if found else ""
