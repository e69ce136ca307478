"""How far it is from one city to another, as the crow flies."""

import re
from math import asin, cos, radians, sin, sqrt

from .. import places

_EARTH = 6371.0  # km, the mean radius
_MILE = 1.609344  # km
_CITY = r"[a-zäöü' ]+?"
_ASKED = (
    re.compile(
        rf"\bhow (?:far|many (?P<unit>miles|kilometers)) (?:is it |is |are there |are )?from (?P<a>{_CITY}) "
        rf"to (?P<b>{_CITY})$"
    ),
    re.compile(
        rf"\bhow (?:far|many (?P<unit>miles|kilometers)) (?:is |away is )(?P<a>{_CITY}) (?:away )?from "
        rf"(?P<b>{_CITY})$"
    ),
    re.compile(rf"\bdistance (?:between|from) (?P<a>{_CITY}) (?:and|to) (?P<b>{_CITY})(?P<unit> in miles)?$"),
)


def answer(text, turns):
    """The distance that plain ``text`` asks for, or None."""
    for pattern in _ASKED:
        found = pattern.search(text)
        ends = [_town(found[side]) for side in "ab"] if found else [None]
        if all(ends):
            kilometers = _between(ends[0].place, ends[1].place)
            miles = "miles" in (found["unit"] or "")
            length = _rounded(kilometers / _MILE if miles else kilometers)
            return f"About {length} {'miles' if miles else 'kilometers'}. As the crow flies."
    return None


def _town(name):
    land = places.country(name)
    return places.city(name) or (land and places.capital(land))


def _between(one, other):
    """Kilometers of the great circle, by the haversine formula."""
    (north, east), (north2, east2) = ((radians(n), radians(e)) for n, e in (one, other))
    half = sin((north2 - north) / 2) ** 2 + cos(north) * cos(north2) * sin((east2 - east) / 2) ** 2
    return 2 * _EARTH * asin(min(1.0, sqrt(half)))


def _rounded(length):
    """Tens below a thousand, else hundreds: nobody measures cities closer."""
    step = 10 if length < 1000 else 100
    return round(length / step) * step
