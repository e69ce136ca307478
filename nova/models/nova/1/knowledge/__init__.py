"""What can be looked up: definitions, rhymes, countries and cities. Each file is read when it is first asked for.

ORIGIN.md beside this file names the sources and their licences.
"""

import re
import threading
import zipfile
from bisect import bisect
from functools import cache, lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent
_READING = threading.Lock()
"""Held while the archive is read: its file has one position."""


class Country:
    """What GeoNames tells of a country; ``people`` and ``area`` (square kilometers) are whole numbers."""

    def __init__(self, line):
        (self.name, self.capital, self.continent, area, people, self.currency, languages, around) = line.split("\t")
        self.area, self.people = int(float(area)), int(people)
        self.languages = [code.split("-")[0] for code in languages.split(",") if code]
        self.neighbours = [name for name in around.split(",") if name]


class City:
    """What GeoNames tells of a city: ``zone`` is a name of the tz database, ``place`` latitude and longitude."""

    def __init__(self, line):
        self.plain, self.name, self.country, people, self.zone, north, east = line.split("\t")
        self.people, self.place = int(people), (float(north), float(east))


@cache
def countries():
    """Every country by its plain name."""
    lines = (FOLDER / "countries.tsv").read_text("utf-8").splitlines()
    return {re.sub(r"[^a-z ]", "", country.name.lower()): country for country in map(Country, lines)}


@cache
def cities():
    """The largest city of each plain name."""
    found = {}
    for city in map(City, (FOLDER / "cities.tsv").read_text("utf-8").splitlines()):
        found.setdefault(city.plain, city)
    return found


@cache
def _rhymes():
    return (FOLDER / "rhymes.tsv").read_text("utf-8")


def rhymes(word):
    """The common words that end as ``word`` sounds, itself left out."""
    group = re.search(rf"^.*\t(?:.* )?{re.escape(word)}(?: .*)?$", _rhymes(), re.MULTILINE)
    return [other for other in group[0].partition("\t")[2].split() if other != word] if group else []


@cache
def _archive():
    """The archive, and its members in order: each is called by its first word."""
    archive = zipfile.ZipFile(FOLDER / "words.zip")
    return archive, archive.namelist()


@lru_cache(maxsize=8)
def _block(at):
    """The lines of a member, each after a newline."""
    archive, members = _archive()
    with _READING:
        return b"\n" + archive.read(members[at])


def senses(lemma):
    """The first sense of ``lemma`` by kind of word, the commonest kind first: ``(kind, name, definition)``.

    Kinds are n, v, a, r: noun, verb, adjective, adverb. The name is ``lemma``, with capitals where it is written so.
    """
    at = bisect(_archive()[1], lemma) - 1
    if at < 0:
        return []
    lines = _block(at)
    found, at = [], lines.find(b"\n" + lemma.encode() + b"\t")
    while at >= 0:
        line = lines[at + 1 : lines.index(b"\n", at + 1)].decode()
        _, kind, _, definition, name = line.split("\t")
        found.append((kind, name or lemma, definition))
        at = lines.find(b"\n" + lemma.encode() + b"\t", at + 1)
    return found
