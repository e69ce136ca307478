"""The punctuation of the scripts that a configured language can have: what ends a sentence, what parts a clause.

Unicode's own lists (``Sentence_Terminal`` and ``Terminal_Punctuation`` of ``PropList.txt``) are the source; what never
stands in modern text is left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

PLAIN_ENDS = ".!?…"
"""Latin, Greek and Cyrillic sentence ends; a full stop may also belong to a number or an abbreviation."""

SCRIPT_ENDS = "。！？｡．؟۔।॥։።፧፨។៕။།༎᠃᠉᱾᱿꘎꘏꛳꛷꣎꣏꯫෴"
"""Ends of sentences that mean nothing else: Chinese, Japanese, Arabic, Urdu, Hindi, Armenian, Ethiopic, Khmer, Burmese,
Tibetan, Mongolian, Santali, Vai, Bamum, Saurashtra, Meitei, Sinhala."""

PLAIN_COMMAS = ",;:"

SCRIPT_COMMAS = "，、；：､،؛՝፣፤፥፦၊៖᠂᠈"
"""Commas, semicolons and colons of the same scripts."""

CLOSERS = "\"'”’“»«›)]}*_~`」』】）》〉〕］｝｣"
"""What may stand between a mark and the end of its clause."""

BRACKETS = dict(zip(")]}」』】）》〉〕］｝｣", "([{「『【（《〈〔［｛｢", strict=True))
"""Closing brackets, and the opening one of each."""

ENDS = frozenset(PLAIN_ENDS + SCRIPT_ENDS)
COMMAS = frozenset(PLAIN_COMMAS + SCRIPT_COMMAS)

_WIDE = re.compile(r"[\u2e80-\u2fdf\u3005-\u3007\u3021-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\ua48f\uac00-\ud7af"
                   r"\uf900-\ufaff\uff66-\uff9d\U0001b000-\U0001b16f\U00020000-\U0003ffff]")  # fmt: skip
"""Han, kana, Hangul and Yi: one character is a syllable or a word."""

_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u2e80-\u2fdf\u3001-\u30ff"
    r"\u31f0-\u31ff\u3400-\u4dbf\u4e00-\ua48f\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f"
    r"\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
"""Thai, Lao, Tibetan, Burmese, Khmer, Tai scripts, Han, kana, Yi: no space between words."""

_PHRASED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaa7f]")
"""Those of them in which a space parts phrases, as a comma does elsewhere."""

_HIRAGANA, _KATAKANA = re.compile(r"[\u3041-\u309f]"), re.compile(r"[\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f]")

_BEFORE = frozenset("เแโใไເແໂໃໄ")
"""Thai and Lao vowels that are written before their consonant."""

_AFTER = frozenset("ะาำๅๆຯະາຳໆーｰ々ゝゞヽヾぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ་")
"""Letters that belong to the syllable before them."""


def length(text: str) -> int:
    """How long a text is, in Latin letters: a Han, kana or Hangul character counts as three, by the time it takes."""
    return len(text) if text.isascii() else len(text) + 2 * len(_WIDE.findall(text))


def is_letter(character: str) -> bool:
    """A letter, or a vowel sign or tone mark that stands for one."""
    return character.isalpha() or unicodedata.category(character).startswith("M")


def unspaced(character: str) -> bool:
    """Whether the character is of a script without spaces between words."""
    return bool(_UNSPACED.match(character))


def phrased(character: str) -> bool:
    """Whether the character is of a script whose spaces part phrases."""
    return bool(_PHRASED.match(character))


def may_part(before: str, after: str) -> bool:
    """Whether a text without spaces may be cut between two characters: no syllable, number or bracket is torn."""
    if not (unspaced(before) and (unspaced(after) or after in BRACKETS.values())):
        return False
    if before in _BEFORE or after in _AFTER or before in BRACKETS.values():
        return False
    if after in ENDS or after in COMMAS or after in CLOSERS or (_KATAKANA.match(before) and _KATAKANA.match(after)):
        return False
    return not _joins(before, after)


def begins_word(before: str, after: str) -> bool:
    """Whether a Japanese word is likely to begin at ``after``: hiragana, mostly a particle, ends the one before."""
    return bool(_HIRAGANA.match(before)) and not _HIRAGANA.match(after)


def _joins(before: str, after: str) -> bool:
    """Combining marks, joiners and stacked consonants: the second belongs to the first."""
    kinds = unicodedata.category(before), unicodedata.category(after)
    return kinds[1].startswith(("M", "C")) or kinds[0] == "Cf" or before in "\u1039\u17d2\u0f84"


_WORD = re.compile(r"\S+")


def segments(text: str) -> list[tuple[int, int]]:
    """Where the text's words begin and end; where no spaces part them, its syllables. A mark follows its word."""
    if text.isascii():  # nothing of what follows can part it, and captions ask often
        return [word.span() for word in _WORD.finditer(text)]
    found: list[tuple[int, int]] = []
    for word in _WORD.finditer(text):
        begin, end = word.span()
        for at in range(begin + 1, end):
            before, after = text[at - 1], text[at]
            if may_part(before, after) or ((before in ENDS or before in COMMAS) and _starts(after)):
                found.append((begin, at))
                begin = at
        found.append((begin, end))
    return found


def gap(before: str, after: str) -> str:
    """What belongs between two pieces of speech: a space, or nothing where their script knows none."""
    if not (before and after) or not _starts(after[0]):
        return " "
    return "" if _starts(before[-1]) or before[-1] in SCRIPT_ENDS or before[-1] in SCRIPT_COMMAS else " "


def together(pieces: Iterable[str]) -> str:
    """The pieces as one text; empty ones are left out."""
    text = ""
    for piece in filter(None, pieces):
        text += (gap(text, piece) if text else "") + piece
    return text


def _starts(character: str) -> bool:
    """Whether it is of a script whose sentences are not parted by spaces, either."""
    return unspaced(character) and not phrased(character) and character not in ENDS and character not in COMMAS
