"""Which time zone a place is in, by the names of the tz database: cities, countries and zones. No network."""

from __future__ import annotations

import unicodedata
import zoneinfo
from functools import cache
from pathlib import Path

CITIES = {
    "amsterdam": "Europe/Amsterdam", "atlanta": "America/New_York", "austin": "America/Chicago",
    "bangalore": "Asia/Kolkata", "barcelona": "Europe/Madrid", "beijing": "Asia/Shanghai", "bern": "Europe/Zurich",
    "boston": "America/New_York", "calgary": "America/Edmonton", "canberra": "Australia/Sydney",
    "cape town": "Africa/Johannesburg", "cologne": "Europe/Berlin", "dallas": "America/Chicago",
    "delhi": "Asia/Kolkata", "frankfurt": "Europe/Berlin", "geneva": "Europe/Zurich", "hamburg": "Europe/Berlin",
    "hanoi": "Asia/Bangkok", "houston": "America/Chicago", "islamabad": "Asia/Karachi", "kyoto": "Asia/Tokyo",
    "las vegas": "America/Los_Angeles", "lyon": "Europe/Paris", "marseille": "Europe/Paris",
    "melbourne": "Australia/Melbourne", "miami": "America/New_York", "milan": "Europe/Rome",
    "montreal": "America/Toronto", "mumbai": "Asia/Kolkata", "munich": "Europe/Berlin", "münchen": "Europe/Berlin",
    "naples": "Europe/Rome", "new delhi": "Asia/Kolkata", "osaka": "Asia/Tokyo", "ottawa": "America/Toronto",
    "philadelphia": "America/New_York", "porto": "Europe/Lisbon", "rio de janeiro": "America/Sao_Paulo",
    "rotterdam": "Europe/Amsterdam", "saint petersburg": "Europe/Moscow", "san diego": "America/Los_Angeles",
    "san francisco": "America/Los_Angeles", "san jose": "America/Los_Angeles", "santa clara": "America/Los_Angeles",
    "seattle": "America/Los_Angeles", "shenzhen": "Asia/Shanghai", "stuttgart": "Europe/Berlin",
    "tel aviv": "Asia/Jerusalem", "washington": "America/New_York", "wien": "Europe/Vienna",
    "california": "America/Los_Angeles", "texas": "America/Chicago", "england": "Europe/London",
    "scotland": "Europe/London", "wales": "Europe/London", "uk": "Europe/London", "great britain": "Europe/London",
    "utc": "UTC", "gmt": "UTC",
}  # fmt: skip
"""Places that people ask for and the database does not name, or names in other words."""


def _plain(name: str) -> str:
    """A name as it is compared: no accents, no case, one space between words."""
    letters = [c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c)]
    return " ".join("".join(c if c.isalnum() or c in "+-/" else " " for c in letters).split())


@cache
def _known() -> dict[str, str]:
    """Every place's zone, by its plain name: countries of one zone, cities, whole names of zones."""
    known: dict[str, str] = {}
    for country, zones in _countries().items():
        if len(zones) == 1:
            known[_plain(country)] = zones[0]
    for zone in sorted(zoneinfo.available_timezones()):
        if "/" in zone and not zone.startswith(("Etc/", "posix/", "right/")):
            known.setdefault(_plain(zone.rsplit("/", 1)[-1].replace("_", " ")), zone)
        known[zone.casefold()] = zone
    known.update({_plain(name): zone for name, zone in CITIES.items()})
    return known


def _countries() -> dict[str, list[str]]:
    """The zones of each country, if the database has its tables."""
    for folder in map(Path, zoneinfo.TZPATH):
        try:
            names = _rows(folder / "iso3166.tab")
            zones = _rows(folder / "zone1970.tab")
        except (OSError, ValueError):
            continue
        found: dict[str, list[str]] = {}
        called = {row[0]: row[1] for row in names if len(row) > 1}
        for codes, _, zone, *_ in (row for row in zones if len(row) > 2):
            for code in codes.split(","):
                found.setdefault(called.get(code, code), []).append(zone)
        return found
    return {}


def _rows(path: Path) -> list[list[str]]:
    lines = path.read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def zone_of(place: str) -> zoneinfo.ZoneInfo | None:
    """The time zone of a city, a country of one zone, or of that name; None if the database knows no such place."""
    known = _known()
    asked = place.strip().casefold()
    for name in (
        asked,
        asked.replace(" ", "_"),
        _plain(place),
        _plain(place.split(",", maxsplit=1)[0]),
        _plain(f"{place} city"),
    ):
        if zone := known.get(name):
            try:
                return zoneinfo.ZoneInfo(zone)
            except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError):
                continue
    return None
