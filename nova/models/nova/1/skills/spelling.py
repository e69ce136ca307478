"""Spelling aloud, counting letters, and words backwards."""

import re

_SPELL = re.compile(
    r"\b(?:how (?:do|would|can) (?:you|i|we) (?:spell|write)|(?:can|could) you spell|spell|how is) "
    r"(?:the word )?(?P<word>[a-zäöüß' ]+?)(?: for me| spelled| spelt| written)?$"
)
_LETTERS = re.compile(r"\bhow many letters (?:are (?:there )?in|does|has|in) (?:the word )?(?P<word>[a-z]+)(?: have)?$")
_COUNTED = re.compile(
    r"\bhow many (?P<letter>[a-z])'?s? (?:are (?:there )?in|does) (?:the "
    r"word )?(?P<word>[a-z]+)(?: have)?$"
)
_BACK = re.compile(r"\b(?P<word>[a-z]+) (?:spelled |spelt )?backwards?$")


def answer(text, turns):
    """The spelling that plain ``text`` asks for, or None."""
    if found := _COUNTED.search(text):
        count = found["word"].count(found["letter"])
        return f"{count or 'None'}."
    if found := _LETTERS.search(text):
        return f"{len(found['word'])} letters."
    if found := _BACK.search(text):
        moving = found["word"] in ("go", "move", "walk", "it", "that", "count")
        return None if moving else f"{_aloud(found['word'][::-1])}."
    found = _SPELL.search(text)
    if not found or not re.search(r"\b(spell|spelled|spelt|write|written)\b", text):
        return None
    word = found["word"].strip()
    return None if word in ("that", "it", "this", "") or len(word) > 40 else f"{_aloud(word)}."


def _aloud(word):
    """'R, H, Y, T, H, M'; a space is told as one."""
    return ", ".join("space" if letter == " " else "apostrophe" if letter == "'" else letter.upper() for letter in word)
