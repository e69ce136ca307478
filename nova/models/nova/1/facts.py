"""A handful of facts: capitals, a few numbers everybody asks for, and what the machine in front of them is made of."""

import re

_CAPITALS = {
    "france": "Paris", "germany": "Berlin", "italy": "Rome", "spain": "Madrid", "england": "London",
    "the united kingdom": "London", "great britain": "London", "japan": "Tokyo", "china": "Beijing",
    "the united states": "Washington", "america": "Washington", "canada": "Ottawa", "austria": "Vienna",
    "switzerland": "Bern", "portugal": "Lisbon", "poland": "Warsaw", "greece": "Athens", "sweden": "Stockholm",
    "norway": "Oslo", "denmark": "Copenhagen", "finland": "Helsinki", "ireland": "Dublin", "belgium": "Brussels",
    "the netherlands": "Amsterdam", "russia": "Moscow", "india": "New Delhi", "australia": "Canberra",
    "brazil": "Brasília", "argentina": "Buenos Aires", "mexico": "Mexico City", "egypt": "Cairo", "turkey": "Ankara",
    "south korea": "Seoul",
}  # fmt: skip
_CAPITAL = re.compile(r"\b(?:capital|hauptstadt) (?:city )?(?:of|von) (?P<country>[a-z ]+)$")
_TABLE = (
    (r"\bspeed of light\b|\bfast is light\b", "Very fast. About 300000 kilometers in a second."),
    (r"\bspeed of sound\b|\bfast is sound\b", "In air, about 343 meters in a second."),
    (r"\b(distance to|far (away )?is) the moon\b", "Not so far. About 384000 kilometers."),
    (r"\b(distance to|far (away )?is) the sun\b", "About 150 million kilometers. Its light needs eight minutes."),
    (r"\b(big|large) is the earth\b", "About 40000 kilometers around."),
    (
        r"\bold is the (universe|world|earth)\b",
        "The universe, nearly 14 billion years. The earth, some four and a half.",
    ),
    (r"\bhighest mountain\b|\btallest mountain\b|\btall is (the )?mount everest\b", "Mount Everest. 8849 meters."),
    (r"\blongest river\b", "The Nile, most say. A little over 6600 kilometers."),
    (r"\b(largest|biggest) country\b", "Russia, by area."),
    (r"\bsky (is )?blue\b", "Because of the air. It scatters blue light more than red."),
    (r"\bgrass (is )?green\b", "Because of chlorophyll. It keeps red and blue light, and leaves the green."),
    (r"\bwrote romeo and juliet\b", "William Shakespeare. Around 1595."),
    (r"\binvented the telephone\b", "Alexander Graham Bell got the patent. In 1876."),
    (r"\b(who (is|was)|about) (albert )?einstein\b", "A physicist, born in Ulm. He found the theory of relativity."),
    (
        r"\bwhat is (a |an )?(large )?language model\b",
        "A program that guesses the next word. It does so again and again, until there is an answer. I'm too small "
        "to be "
        "one.",
    ),
    (r"\bwhat is machine learning\b", "Learning from examples. Nobody writes the rules, the machine finds them."),
    (r"\bwhat is (a )?neural network\b", "Many simple sums, in layers. Training sets the numbers they work with."),
    (r"\bwhat is artificial intelligence\b", "Machines doing what takes a mind. Where it starts, people disagree."),
    (r"\bwhat is speech recognition\b", "Turning sound into text. That's how I read you."),
    (r"\bwhat is (speech synthesis|text to speech)\b", "Turning text into sound. You're listening to it."),
    (r"\bnatural language processing\b", "Teaching machines to handle language. Like this conversation, in small."),
)
_COMPILED = tuple((re.compile(pattern), reply) for pattern, reply in _TABLE)
_ODD = (
    "Octopuses have three hearts. Two of them rest when it swims.",
    "Honey hardly ever spoils. Some from Egyptian tombs was still good.",
    "A day on Venus is longer than its year. It turns that slowly.",
)
_MORE = re.compile(
    r"\b(tell me|say) (something|anything)( interesting| new)?$|\btell me (a|some|an interesting) facts?\b"
)


def answer(text, hers, in_turn):
    """The fact that plain ``text`` asks for, or None. ``in_turn`` picks one that she has not told yet."""
    if found := _CAPITAL.search(text):
        capital = _CAPITALS.get(found["country"].strip())
        return f"{capital}." if capital else None
    if _MORE.search(text):
        return in_turn(_ODD, hers)
    return next((reply for pattern, reply in _COMPILED if pattern.search(text)), None)
