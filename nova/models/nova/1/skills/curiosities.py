"""Something interesting, told in turn."""

import re

from .stories import in_turn

ODD = (
    "Octopuses have three hearts. Two of them rest when it swims.",
    "Honey hardly ever spoils. Some from Egyptian tombs was still good.",
    "A day on Venus is longer than its year. It turns that slowly.",
    "Bananas are berries. Strawberries are not.",
    "Oxford is older than the Aztecs. People taught there before their city was founded.",
    "Wombats leave cubes. Nobody else in nature does that.",
    "Cleopatra lived closer to the moon landing than to the building of the great pyramid.",
    "Sharks are older than trees. By some fifty million years.",
    "Your bones are stronger than concrete. Weight for weight, that is.",
    "There are more ways to shuffle a deck of cards than there are atoms on earth.",
)
_ASKED = re.compile(
    r"\b(tell me|say|know|teach me) (something|anything)( interesting| new| funny| cool| random)?$|\b(random|fun|"
    r"interesting|another|some|a) facts?\b"
    r"|\bsurprise me\b|\bi am (so |very )?bored\b|\bentertain me\b"
)


def answer(text, turns):
    """A curiosity that she has not told yet, if plain ``text`` asks for one."""
    return in_turn(ODD, turns.said_by("assistant")) if _ASKED.search(text) else None
