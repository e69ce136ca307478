"""Which country or city somebody means, in the words of a recogniser."""

import re

from .knowledge import cities, countries

_COUNTRIES = {
    "america": "united states", "usa": "united states", "us": "united states", "u s": "united states",
    "u s a": "united states", "the states": "united states", "united states of america": "united states",
    "uk": "united kingdom", "u k": "united kingdom", "great britain": "united kingdom", "britain": "united kingdom",
    "netherlands": "the netherlands", "holland": "the netherlands", "czech republic": "czechia",
    "burma": "myanmar", "swaziland": "eswatini", "cape verde": "cabo verde", "cote divoire": "ivory coast",
    "congo": "democratic republic of the congo", "macedonia": "north macedonia", "east timor": "timor leste",
    "palestine": "palestinian territory", "vatican city": "vatican", "emirates": "united arab emirates",
    "uae": "united arab emirates", "korea": "south korea", "frankreich": "france", "deutschland": "germany",
}  # fmt: skip
_CITIES = {
    "new york": "new york city", "cologne": "koln", "bombay": "mumbai", "calcutta": "kolkata", "peking": "beijing",
    "saigon": "ho chi minh city", "la": "los angeles", "l a": "los angeles", "washington dc": "washington",
    "washington d c": "washington", "kiev": "kyiv", "nuremberg": "nurnberg", "seville": "sevilla",
    "saint petersburg": "saint petersburg", "st petersburg": "saint petersburg", "nyc": "new york city",
    "frankfurt": "frankfurt am main", "goteborg": "gothenburg", "vegas": "las vegas", "sf": "san francisco",
}  # fmt: skip
ENGLISH = {"Köln": "Cologne", "Nürnberg": "Nuremberg", "Sevilla": "Seville", "Brasilia": "Brasília"}
"""Names that GeoNames has in another tongue, as she says them."""

_HAVE_ARTICLE = (
    "United", "Philippines", "Bahamas", "Maldives", "Gambia", "Democratic", "Republic of", "Central African",
    "Dominican", "Czech", "Solomon", "Marshall", "Cook", "Cayman", "Falkland", "Faroe", "Vatican",
)  # fmt: skip


def country(words):
    """The country of that name, or None."""
    plain = _plain(words)
    return countries().get(_COUNTRIES.get(plain, plain))


def city(words):
    """The largest city of that name, or None; a country may follow, as in 'Sydney Australia'."""
    plain = _plain(words)
    if found := cities().get(_CITIES.get(plain, plain)):
        return found
    name, _, behind = plain.rpartition(" ")
    land, found = country(behind), cities().get(_CITIES.get(name, name))
    return found if land and found and found.country == land.name else None


def zone(words):
    """The time zone of a city or of a country's capital, with the name to say; or None."""
    found = city(words)
    if found is None and (land := country(words)):
        found = capital(land)
        return found and (found.zone, called(land))
    return found and (found.zone, ENGLISH.get(found.name, found.name))


def capital(land):
    """The city that is a country's capital, or None."""
    found = cities().get(re.sub(r"[^a-z ]", "", land.capital.lower()))
    return found if found and found.country == land.name else None


def called(land):
    """A country's name in a sentence: 'the United States', 'France'."""
    name = land.name.replace("The ", "the ")
    return f"the {name}" if name.startswith(_HAVE_ARTICLE) else name


def _plain(words):
    return re.sub(r"^(the|a|city of|country of|country|city) ", "", words.replace("'s", "").strip())
