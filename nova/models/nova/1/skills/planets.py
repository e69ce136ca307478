"""The planets, the sun and the moon, by NASA's planetary fact sheet (read in 2024; moons are those then confirmed)."""

import re

from .. import numerals

# Diameter in km, distance from the sun in million km, year in earth days, day in hours, moons, mean temperature in °C.
_PLANETS = {
    "mercury": (4879, 57.9, 88.0, 4222.6, 0, 167), "venus": (12104, 108.2, 224.7, 2802.0, 0, 464),
    "earth": (12756, 149.6, 365.2, 24.0, 1, 15), "mars": (6792, 228.0, 687.0, 24.7, 2, -65),
    "jupiter": (142984, 778.5, 4331, 9.9, 95, -110), "saturn": (120536, 1432.0, 10747, 10.7, 146, -140),
    "uranus": (51118, 2867.0, 30589, 17.2, 28, -195), "neptune": (49528, 4515.0, 59800, 16.1, 16, -200),
}  # fmt: skip
_ORDER = tuple(_PLANETS)
_TABLE = (
    (r"\bhow many planets\b", "Eight. Pluto was the ninth until 2006."),
    (r"\b(largest|biggest) planet\b", "Jupiter. More than 11 earths would fit across it."),
    (r"\bsmallest planet\b", "Mercury. It's hardly larger than our moon."),
    (r"\bhottest planet\b", "Venus. Its thick air keeps it at over 460 degrees Celsius."),
    (r"\bcoldest planet\b", "Neptune, on average. About minus 200 degrees Celsius."),
    (r"\bred planet\b", "Mars. Rust makes it red."),
    (r"\b(closest|nearest) (planet )?to the sun\b", "Mercury. It goes around in 88 days."),
    (r"\b(closest|nearest) star\b", "The sun. The next one is Proxima Centauri, a good four light years away."),
    (r"\bis pluto a planet\b", "Not since 2006. It's a dwarf planet."),
    (r"\b(distance to|far (away )?is) the moon\b", "Not so far. About 384000 kilometers."),
    (r"\b(distance to|far (away )?is) the sun\b", "About 150 million kilometers. Its light needs eight minutes."),
    (r"\b(big|large) is the (earth|world)\b", "About 40000 kilometers around."),
    (r"\b(big|large) is the moon\b", "About 3500 kilometers across. A good quarter of the earth."),
    (r"\b(big|large) is the sun\b", "About 1.4 million kilometers across. More than 100 earths in a row."),
    (r"\bhot is the sun\b", "About 5500 degrees Celsius, at its surface. Inside, some 15 million."),
    (r"\bold is the (sun|moon)\b", "About four and a half billion years."),
    (
        r"\b(moon landing|land(ed)? on the moon|first (man|person) on the moon|walk(ed)? on the moon)\b",
        "Neil Armstrong was the first. On July 20th, 1969.",
    ),
    (
        r"\b(order of the planets|name the planets|what are the planets)\b",
        "From the sun outwards, Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus and Neptune.",
    ),
)
_COMPILED = tuple((re.compile(pattern), reply) for pattern, reply in _TABLE)
_ABOUT = re.compile(r"^(tell me |what is |what do you know |something )+(about )?(the )?(planet )?\w+$")
_NAME = re.compile(rf"\b({'|'.join(_ORDER)})\b")


def answer(text, turns):
    """The fact that plain ``text`` asks for, or None."""
    if known := next((reply for pattern, reply in _COMPILED if pattern.search(text)), None):
        return known
    found = _NAME.search(text)
    if not found or re.search(r"\bthe element\b|\bfreddie\b", text):
        return None
    across, away, year, day, moons, warm = _PLANETS[found[1]]
    name = "the earth" if found[1] == "earth" else found[1].capitalize()
    if re.search(r"\bhow many moons\b|\bmoons (of|does|has)\b", text):
        return f"{moons or 'None'} that we know of." if moons != 1 else "Just one."
    if re.search(r"\bhow (big|large|wide)\b|\bdiameter\b|\bsize of\b", text):
        return f"About {numerals.about(across)} kilometers across."
    if re.search(r"\bhow far\b|\bdistance\b", text):
        millions = numerals.about(round(away * 10**6))
        return f"About {millions} kilometers from the sun. How far from us, that changes all the time."
    if re.search(r"\bhow long is a year\b|\byear on\b|\borbit\b|\bgo around the sun\b", text):
        return f"About {year:.0f} days." if year < 1000 else f"About {year / 365.25:.0f} of our years."
    if re.search(r"\bhow long is a day\b|\bday on\b", text):
        return f"About {day:.0f} hours." if day < 100 else f"About {day / 24:.0f} of our days."
    if re.search(r"\bhow (hot|cold|warm)\b|\btemperature\b", text):
        return f"About {'minus ' if warm < 0 else ''}{abs(warm)} degrees Celsius, on average."
    if _ABOUT.search(text) and found[1] != "mercury":
        place = _ORDER.index(found[1]) + 1
        ordinal = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")[place - 1]
        told = f"{name[0].upper()}{name[1:]} is the {ordinal} planet from the sun."
        return f"{told} It's about {numerals.about(across)} kilometers across."
    return None
