"""Whether she asks: then a short "yes" over her last words is the answer, and no backchannel. A pure judgement."""

from __future__ import annotations

import re

from sophia.languages import LANGUAGES

TAIL = 80
"""Characters at a reply's end that may hold its question, some five seconds: "Shall I? Just say yes or no." asks."""

_MARKS = re.compile("[?？؟;՞፧⁇⁈⁉‽]")
_INVITING = [re.escape(words) for table in LANGUAGES.values() for words in table.inviting]
_WORDS = re.compile(rf"\b({'|'.join(_INVITING)})\b", re.I)
"""Whatever the language: that of her reply is not known here."""


def asks(text: str) -> bool:
    """Whether a reply with this text ends with a question, or nearly; in any script that marks its questions."""
    tail = text.rstrip()[-TAIL:]
    return bool(_MARKS.search(tail) or _WORDS.search(tail))
