"""What a word means, and who somebody was: definitions of WordNet, made for the ear."""

import re

from .. import places
from ..knowledge import senses

_PLAINLY = (
    re.compile(r"\bwhat does (?:the word )?(?P<word>[a-z' ]+?) (?P<mean>mean|means|stand for)$"),
    re.compile(r"\b(?:what is the )?(?P<mean>meaning|definition) of (?:the word )?(?P<word>[a-z' ]+)$"),
    re.compile(
        r"^(?:can you |could you )?(?P<mean>define|explain)(?: to me)?(?: what)? (?P<word>[a-z' ]+?)(?: is| "
        r"are| means?)?$"
    ),
    re.compile(r"^(?:tell me )?what (?:is|was) (?P<word>an? [a-z' ]+)$"),
)
"""Nobody else is asked so."""
_ASKED = (
    re.compile(r"^(?:tell me )?what (?:is|are|was|were|exactly is) (?P<word>[a-z' ]+)$"),
    re.compile(
        r"^(?:do you know |tell me |can you tell me |could you tell me )?what (?P<word>[a-z' ]+) (?:is|are|"
        r"means?|was)$"
    ),
    re.compile(r"^(?:tell me )?who (?:is|was|were|are) (?P<word>[a-z' ]+)$"),
    re.compile(
        r"^(?:can you |could you )?(?:tell me|talk|what do you know|do you know anything|say something)(?: "
        r"something| more)? about (?P<word>[a-z' ]+)$"
    ),
)
_SITES = re.compile(
    r"\b(city|country|river|mountain|mountains|island|islands|town|region|state|lake|sea|capital|ocean|peninsula|"
    r"desert)\b"
)
"""What a definition of a place has."""
_LIVED = re.compile(
    r"^when (?:was|did) (?P<word>[a-z' ]+?) (?P<what>born|die|live)$|^when was "
    r"(?P<word2>[a-z' ]+?)'s birth$"
)
_ARTICLE = re.compile(r"^(a|an|the|some|any) ")
_YEARS = re.compile(r" \((?:born in |born )?(?P<from>\d+)\??(?:-(?P<to>\d+)\??)?(?P<bc> BC)?\)$")
_NOT_WORDS = re.compile(
    r"^life$|\b(i|you|me|my|your|we|our|he|she|his|her|they|it|this|that|there|here|going|up|new|wrong|happening|"
    r"today|tomorrow"
    r"|tonight|president|chancellor|king|queen|pope|prime minister|doing|who|next|last|best|better)\b"
)
"""What belongs to talk or changes with the years: no word of a dictionary."""


def plainly_asked(text, turns):
    """The definition, where plain ``text`` asks for a word's meaning or for what a thing is, or somebody's years."""
    return _first(_PLAINLY, text) or _years(text)


def answer(text, turns):
    """The definition, where plain ``text`` may ask for one, or for where a place is; or None."""
    if place := re.match(r"where (?:is|are|was) (?P<word>[a-z' ]+)$", text):
        defined = define(place["word"], means=False)
        return defined if defined and _SITES.search(defined) else None
    return _first(_ASKED, text)


def _first(patterns, text):
    for pattern in patterns:
        if found := pattern.search(text):
            means = found.groupdict().get("mean") in ("mean", "means", "meaning", "definition", "define")
            if defined := define(found["word"].strip(), means):
                return defined
    return None


def define(asked, means=True):
    """A sentence of what ``asked`` is; ``means`` where the meaning of a word was asked for, of whatever kind."""
    if _NOT_WORDS.search(asked) or len(asked) > 60:
        return None
    asked = asked.replace("'s", "").strip()
    bare = _ARTICLE.sub("", asked)
    for lemma in _lemmas(bare):
        found = senses(lemma)
        nouns = [sense for sense in found if sense[0] == "n"]
        chosen = (found if means else nouns or found)[:1]
        if chosen:
            kind, name, definition = chosen[0]
            return _sentence(asked, bare, name, kind, definition)
    return None


def _years(text):
    asked = _LIVED.match(text)
    if not asked:
        return None
    found = next(
        (years for _, _, said in senses(asked["word"] or asked["word2"]) if (years := _YEARS.search(said))), None
    )
    if not found or not found["to"]:
        return None
    bc = " before Christ" if found["bc"] else ""
    if asked["what"] == "live":
        return f"From {found['from']} to {found['to']}{bc}."
    return f"In {found['to'] if asked['what'] == 'die' else found['from']}{bc}."


def _lemmas(word):
    """``word`` and what it may be a form of, or heard as two words."""
    yield word
    if " " in word:
        yield word.replace(" ", "")
    for ending, base in (("ies", "y"), ("ves", "f"), ("ches", "ch"), ("shes", "sh"), ("sses", "ss"), ("xes", "x"), ("s",
        ""),
                         ("ing", ""), ("ing", "e"), ("ied", "y"), ("ed", ""), ("ed", "e")):  # fmt: skip
        if word.endswith(ending) and len(word) > len(ending) + 2:
            yield word.removesuffix(ending) + base


def _sentence(asked, bare, lemma, kind, definition):
    years = _YEARS.search(definition)
    if kind == "n" and years and years["to"]:
        return _person(lemma, definition[: years.start()], years)
    definition = _YEARS.sub("", definition)
    if kind == "v":
        return f"To {lemma} means to {definition}."
    if kind in "ar":
        return f"{_capital(lemma)} means {definition}."
    known = definition.split(" ")[0] in (
        "a",
        "an",
        "the",
        "any",
        "one",
        "some",
        "something",
        "someone",
        "anything",
        "either",
    )
    subject = (
        f"{_an(lemma)} {lemma}"
        if asked.startswith(("a ", "an ")) or (known and lemma.lower() != bare and bare.endswith("s"))
        else lemma
    )
    place = places.country(bare) or places.city(bare)
    if place:
        subject = places.called(place) if asked in ("the " + bare, bare) and hasattr(place, "capital") else place.name
        definition = (
            definition if known else f"{'the' if definition.startswith('capital') else _an(definition)} {definition}"
        )
    elif asked.startswith("the "):
        subject = f"the {lemma}"
    return f"{_capital(subject)} is {definition}."


def _person(name, definition, years):
    article = "" if definition.startswith(("a ", "an ", "the ", "one ")) else f"{_an(definition)} "
    bc = " before Christ" if years["bc"] else ""
    return f"{_capital(name)} was {article}{definition}. {years['from']} to {years['to']}{bc}."


def _an(words):
    return "an" if re.match(r"(?!uni|eu|us|one)[aeiou]|hour|honest|heir", words.lower()) else "a"


def _capital(text):
    return text[0].upper() + text[1:]
