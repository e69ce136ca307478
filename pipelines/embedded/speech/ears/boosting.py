"""Words that a client expects (Riva's ``speech_contexts``): a bonus for the tokens that spell them. Pure.

The bonus is lent letter by letter while a phrase is spelt, and taken back if the word goes on otherwise. So a phrase
wins where the sound speaks nearly as well for it as for what was heard, and changes nothing elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

SPACE: Final = "\u2581".encode()
"""What stands for the space before a word in the vocabularies of SentencePiece."""

LETTER: Final = 0.2
PHRASE: Final = 0.6
"""Nats that a letter, and a whole phrase at most, are favoured by for each unit of boost.

``benchmarks/boosting.py`` at Sophia's own boost of 10: 21 of 26 names are found where 8 are without, and none where
none was said. At a third more a phrase, a list of hundreds is heard everywhere.
"""

MOST_BOOST: Final = 11.0
"""More says no more: at 20 names are heard where none is, while clients of Riva are used to 20 to 100."""

MOST_PHRASES, LONGEST_PHRASE = 1000, 60
"""Phrases, and characters of each, that are taken."""

Boosts = Sequence[tuple[str, float]]
"""Phrases, as the client writes them, each with its boost."""


@dataclass(slots=True)
class Spelling:
    """A place within phrases, with the nats ``lent`` on the way; ``whole`` where one of them ends."""

    lent: float = 0.0
    whole: bool = False
    after: dict[int, Spelling] = field(default_factory=dict)
    tokens: dict[int, Spelling] | None = None


class Phrases:
    """The phrases of ``boosts``, to be spelt in the tokens of a vocabulary, each of whose bytes has its number."""

    def __init__(self, boosts: Boosts = (), tokens: Mapping[bytes, int] | None = None) -> None:
        self._tokens = tokens or {}
        self.nothing = Spelling()
        """Where no phrase is being spelt."""
        written = dict[str, str]()
        for phrase, boost in boosts:
            if text := " ".join(phrase.split()):
                written.setdefault(text.lower(), text)
                for way in {text, text.lower(), text[0].upper() + text[1:]}:
                    self._add(f" {way}".encode().replace(b" ", SPACE), min(boost, MOST_BOOST))
        self._written = {key: text for key, text in written.items() if text != key}
        longest_first = sorted(self._written, key=len, reverse=True)
        self._named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)

    def next(self, spelling: Spelling) -> Collection[int]:
        """The tokens that go on with a phrase, or begin one."""
        return {**self._after(spelling), **self._after(self.nothing)}

    def spell(self, spelling: Spelling, token: int, text: bytes) -> tuple[Spelling, float]:
        """Where ``token`` leads, whose bytes are ``text``, and the nats that this gives or takes back."""
        if spelling is not self.nothing and (going_on := self._after(spelling).get(token)):
            return going_on, going_on.lent - spelling.lent
        begun = self._after(self.nothing).get(token, self.nothing)
        earned = spelling.whole and ends_a_word(text)
        return begun, begun.lent - (0.0 if earned else spelling.lent)

    def written(self, text: str) -> str:
        """``text`` with the phrases as the client writes them: who boosts URDF does not want to read "urdf"."""
        return self._named.sub(lambda found: self._written[found[0].lower()], text) if self._written else text

    def _add(self, spelt: bytes, boost: float) -> None:
        place, lent = self.nothing, 0.0
        for byte in spelt:
            if byte < 0x80:  # the space that leads counts nothing
                lent = min(lent + LETTER * boost, PHRASE * boost)
            place = place.after.setdefault(byte, Spelling())
            place.lent = max(place.lent, lent)
        place.whole = True

    def _after(self, spelling: Spelling) -> Mapping[int, Spelling]:
        if spelling.tokens is None:
            spelling.tokens = {}
            places = [(b"", spelling)]
            while places:
                spelt, place = places.pop()
                if (token := self._tokens.get(spelt)) is not None:
                    spelling.tokens[token] = place
                places.extend((spelt + bytes([byte]), then) for byte, then in place.after.items())
        return spelling.tokens


def ends_a_word(text: bytes) -> bool:
    """Whether a token with these bytes stands behind a word, and not within it."""
    first = text.decode("utf-8", "replace")[:1]
    return not (first.isalnum() or first in ("'", "\ufffd"))
