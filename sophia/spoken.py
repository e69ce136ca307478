"""What of a text can be said aloud: no markup, no emoji, nothing that a synthesiser takes for a command.

Language models write markdown; Riva's voices reserve ``*``, ``{``, ``}`` and ``<tag>``. The result is plain words and
punctuation, or nothing. Nothing is merely deleted: a sign becomes its word or a gap (:mod:`sophia.signs`). What is
shown to people keeps its signs: the two go side by side, clause by clause.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable

from sophia.languages import language as table
from sophia.markup import plain
from sophia.sign_words import words_of
from sophia.signs import GONE, in_words, sayable

_UNKNOWN = {"@": "@", "dot": ".", "code": " "}
"""What stays in a language whose words are not known."""

_BLANKS = re.compile(r"[^\S\n\u00a0\u2009\u202f]+")
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_URL = re.compile(
    r"<?(?:https?://|www\.)(?:www\.)?([\w.\-]+)(?::\d+)?(?:[/?#](?:[^\s<>()\[\]\"']*[\w/=&\-])?)?>?", re.IGNORECASE
)
_EMAIL = re.compile(r"<?(?:mailto:)?\b([\w.+\-]{1,64})@((?:[\w\-]{1,63}\.){1,8}[^\W\d_]{2,63}(?![\w\-]))>?")
_TABLE_RULE = re.compile(r"^ ?\|?[ :|\-]*--[ :|\-]*$", re.MULTILINE)
_RULE = re.compile(r"^ ?(?:[*_=\-] ?){3,}$", re.MULTILINE)
_LINE_MARK = re.compile(r"^ ?(?:#{1,6} |>+(?![ =]?[\d=])|[*+•▪◦‣\-](?= )) ?(?:\[[ xX]\] )?", re.MULTILINE)
_HEADING_END = re.compile(r" #+ ?$", re.MULTILINE)
_LINE_END = re.compile(r"(?<=[^\W_]) ?\n\s*")
_JOINED = re.compile(r"(?<![\u0600-\u0dff])[\u200c\u200d]")
_REPEATED = re.compile(r"([!?,;:])(?:\s*\1)+|([!?;:])\s*,(?=\s)")
_ELLIPSIS = re.compile(r"\.{2,}(?![/\\])|…")
_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[.,;:!?…)]+(?:[\s,;\"'”’)]|\Z))|(?<=\()\s+")
_DOTTED = re.compile(r"(?<![\w.)])\.(?=[A-Za-z])")
"""The dot of .NET or .env."""
_SMILEY = re.compile(r"(?<![\w)])[:;]['’]?-?[()DP](?!\w)|(?<![\w:]):[a-z][a-z_]{1,30}:(?![\w:])")
"""What stands for a picture: ``:-)``, ``:smile:``."""
_LEADING = re.compile(r"\A(?:[\s,;:!?…)\"'”’»–—。！？、，；：．」』）】》〉।॥؟،؛]|\.(?!\d)|-(?!\d))+")


def spoken(text: str, language: str = "en-US") -> str:
    """What to say for ``text``, a clause as a language model wrote it; empty if there is nothing to say.

    A block of code is announced, not read. Of a link its words are read, of a bare address the host. ``language``, a
    BCP 47 tag, chooses the words of signs; where they are not known, signs are gaps.
    """
    word = words_of(language) if table(language).signs else lambda sign: _UNKNOWN[sign]
    text = plain(html.unescape(unicodedata.normalize("NFC", text).replace(GONE, "")))
    text = _BLANKS.sub(" ", text)  # first, so that no pattern below meets a long run of them
    text = _FENCE.sub(word("code"), text)
    text = _EMAIL.sub(lambda found: _dotted(found[1], word) + word("@") + _dotted(found[2], word), text)
    text = _URL.sub(lambda found: _dotted(found[1], word), text)
    text = _SMILEY.sub(GONE, text)
    text = _TABLE_RULE.sub("", text)
    text = _RULE.sub("", text)
    text = _LINE_MARK.sub("", text)
    text = _HEADING_END.sub("", text)
    text = in_words(text, language)
    text = _DOTTED.sub(word("dot"), text)
    text = _joined("".join(map(sayable, text)))
    text = _LINE_END.sub(", ", text.strip())
    text = _ELLIPSIS.sub("…", " ".join(text.split()))
    text = _REPEATED.sub(r"\1\2", _SPACE_BEFORE_MARK.sub("", text))
    text = _LEADING.sub("", text).replace("…", "...")
    return text if any(character.isalnum() for character in text) else ""


def _joined(text: str) -> str:
    """What was left out leaves a gap between two digits, and nothing elsewhere."""
    text = _JOINED.sub(GONE, text)
    return re.sub(rf"(?<=\d){GONE}+(?=\d)", " ", text).replace(GONE, "")


def _dotted(name: str, word: Callable[[str], str]) -> str:
    """A host or an account in words, and the full stop that a sentence left at its end."""
    bare = name.rstrip(".")
    return bare.replace(".", word("dot")) + name[len(bare) :]
