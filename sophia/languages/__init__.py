"""The languages she knows words of, one table a language; of any other she knows none, and is silent there.

:func:`language` finds the table of a BCP 47 tag. A table is data: what ends an utterance, what cuts a reply, a yes and
a no, and the sentences that she must be able to say by herself.
"""

from __future__ import annotations

from sophia.languages.english import ENGLISH
from sophia.languages.french import FRENCH
from sophia.languages.german import GERMAN
from sophia.languages.italian import ITALIAN
from sophia.languages.spanish import SPANISH
from sophia.languages.table import Language, Phrase, Waiting

__all__ = ["ENGLISH", "LANGUAGES", "Language", "Phrase", "Waiting", "code_of", "language"]

LANGUAGES = {table.code: table for table in (ENGLISH, GERMAN, SPANISH, FRENCH, ITALIAN)}
"""The tables by their code."""


def code_of(tag: str) -> str:
    """The language of a BCP 47 tag, such as "de" of "de-AT"."""
    return tag.replace("_", "-").partition("-")[0].lower()


def language(tag: str) -> Language:
    """The table for a BCP 47 tag; one without words if the language is not known."""
    code = code_of(tag)
    return LANGUAGES.get(code) or Language(code, name=tag)
