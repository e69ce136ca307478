"""Countries and cities: capitals, people, area, money, languages, neighbours, and where they are."""

import re

from .. import numerals, places
from ..knowledge import cities, countries

_LANGUAGES = {
    "en": "English", "fr": "French", "es": "Spanish", "ar": "Arabic", "ru": "Russian", "zh": "Chinese",
    "pt": "Portuguese", "de": "German", "nl": "Dutch", "it": "Italian", "hu": "Hungarian", "sr": "Serbian",
    "hy": "Armenian", "ur": "Urdu", "tr": "Turkish", "sw": "Swahili", "sq": "Albanian", "ms": "Malay", "uz": "Uzbek",
    "ta": "Tamil", "sv": "Swedish", "hr": "Croatian", "fa": "Persian", "da": "Danish", "ca": "Catalan", "so": "Somali",
    "sl": "Slovene", "pl": "Polish", "no": "Norwegian", "nb": "Norwegian", "ko": "Korean", "ja": "Japanese",
    "ka": "Georgian", "he": "Hebrew", "hi": "Hindi", "el": "Greek", "fi": "Finnish", "et": "Estonian", "cs": "Czech",
    "sk": "Slovak", "bg": "Bulgarian", "ro": "Romanian", "uk": "Ukrainian", "be": "Belarusian", "lt": "Lithuanian",
    "lv": "Latvian", "is": "Icelandic", "ga": "Irish", "mt": "Maltese", "th": "Thai", "vi": "Vietnamese",
    "id": "Indonesian", "fil": "Filipino", "tl": "Tagalog", "my": "Burmese", "km": "Khmer", "lo": "Lao", "ne": "Nepali",
    "si": "Sinhala", "bn": "Bengali", "am": "Amharic", "mn": "Mongolian", "kk": "Kazakh", "ky": "Kyrgyz",
    "tk": "Turkmen", "tg": "Tajik", "az": "Azerbaijani", "ps": "Pashto", "qu": "Quechua", "mk": "Macedonian",
    "bs": "Bosnian", "lb": "Luxembourgish", "dv": "Dhivehi", "dz": "Dzongkha", "mi": "Maori", "af": "Afrikaans",
    "zu": "Zulu", "mg": "Malagasy", "rw": "Kinyarwanda", "ti": "Tigrinya", "gn": "Guarani", "iw": "Hebrew",
}  # fmt: skip
_OF = (
    r"(?:of|in|does|has|from|for|do they (?:use|speak|pay with) in) (?P<place>[a-zäöü' ]+?)"
    r"(?: have| has| use| speak| border| got)?$"
)
_CAPITAL = re.compile(
    r"\b(?:capital|hauptstadt)(?: city)? (?:of|von|in|for) (?P<place>[a-zäöü' ]+)$|"
    r"(?P<owner>[a-z ]+)'s capital\b"
)
_PEOPLE = re.compile(
    rf"\b(?:population|how many (?:people|inhabitants|residents))\b.*?\b(?:live in|are in|are there "
    rf"in|{_OF})(?: (?P<more>[a-z' ]+))?$"
)
_AREA = re.compile(r"\b(?:area of|how (?:big|large) is) (?P<place>[a-zäöü' ]+)$")
_MONEY = re.compile(rf"\b(?:currency|money)\b.*?\b{_OF}")
_TONGUE = re.compile(
    r"\b(?:languages?)\b.*?\b(?:in|of|does) (?P<place>[a-z' ]+?)(?: speak)?$|\bwhat do they speak "
    r"in (?P<owner>[a-z' ]+)$"
)
_AROUND = re.compile(r"\b(?:neighbou?rs of|countries border|borders?|next to|borders? with) (?P<place>[a-z' ]+)$")
_WHERE = re.compile(
    r"^(?:and )?(?:where (?:is|are|in the world is)|(?:which|what) (?:country|continent) is) "
    r"(?P<place>[a-zäöü' ]+?)(?: located| in| on)?$"
)
_OF_WHAT = re.compile(
    r"\b(?P<place>[a-z' ]+) is the capital of (?:what|which)(?: country)?$|\b(?:what|which) "
    r"country has the capital (?P<owner>[a-z ]+)$"
)
_CITIES = re.compile(r"\b(?:the )?capital\b")


def answer(text, turns):
    """The spoken answer to plain ``text``, or None."""
    return (
        _ruled(text) or _capital(text) or _people(text) or _area(text) or _money(text) or _tongue(text) or _around(text)
        or _where(text) or _records(text)
    )  # fmt: skip


def _place(found):
    groups = found.groupdict() if found else {}
    return groups.get("more") or groups.get("place") or groups.get("owner") or ""


def _capital(text):
    land = places.country(_place(_CAPITAL.search(text)))
    if land is None:
        return None
    return f"{places.ENGLISH.get(land.capital, land.capital)}." if land.capital else f"{land.name} has none."


def _ruled(text):
    name = _place(_OF_WHAT.search(text)).strip()
    land = next((c for c in countries().values() if name and c.capital.lower() == name), None)
    return f"{places.called(land)}."[0].upper() + f"{places.called(land)}."[1:] if land else None


def _people(text):
    name = _place(_PEOPLE.search(text))
    if re.fullmatch(r"(the |this )?(world|earth)|on earth", name):
        return "Over 8 billion. It passed eight billion in 2022."
    found = places.country(name) or places.city(name)
    return f"About {numerals.about(found.people)} people." if found and found.people else None


def _area(text):
    land = places.country(_place(_AREA.search(text)))
    return f"About {numerals.about(land.area)} square kilometers." if land else None


def _money(text):
    land = places.country(_place(_MONEY.search(text)))
    return f"The {land.currency.lower()}." if land and land.currency else None


def _tongue(text):
    land = places.country(_place(_TONGUE.search(text)))
    known = [_LANGUAGES[code] for code in dict.fromkeys(land.languages if land else ()) if code in _LANGUAGES][:3]
    if not known:
        return None
    return f"Mainly {known[0]}." + (f" Also {_listed(known[1:])}." if known[1:] else "")


def _around(text):
    land = places.country(_place(_AROUND.search(text)))
    if land is None:
        return None
    return f"{_listed(land.neighbours[:6])}." if land.neighbours else "None. It has no border on land."


def _where(text):
    name = _place(_WHERE.search(text)).strip()
    land, town = places.country(name), places.city(name)
    if land:
        around = f" It borders {_listed(land.neighbours[:3])}." if land.neighbours else ""
        return f"In {land.continent}.{around}"
    if town is None:
        return None
    home = places.country(town.country.lower())
    return f"In {places.called(home)}." if home else None


def _records(text):
    """The largest and smallest; by GeoNames's figures."""
    asked = re.search(r"\b(?P<which>largest|biggest|smallest|most populous)\b.*\b(?P<what>country|city)\b", text)
    if asked and asked["what"] == "city" and (land := places.country(text.rpartition(" in ")[2])):
        own = [city for city in cities().values() if city.country == land.name and city.people]
        largest = max(own, key=lambda city: city.people, default=None)
        return (
            f"{places.ENGLISH.get(largest.name, largest.name)}." if largest and asked["which"] != "smallest" else None
        )
    if not asked or re.search(r"\b(germany|europe|asia|africa|america|state)\b", text):
        return None
    if asked["what"] == "city":
        large = "Tokyo, if you count its suburbs. Shanghai has more people within its own bounds."
        return None if asked["which"] == "smallest" else large
    if asked["which"] == "smallest":
        return "The Vatican. It's smaller than half a square kilometer."
    return (
        "India, just ahead of China." if re.search(r"\bpopulous\b|\bp(eople|opulation)\b", text) else "Russia, by area."
    )


def _listed(names):
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
