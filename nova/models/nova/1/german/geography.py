"""A handful of facts in German: capitals, and what everybody asks for."""

import re

_CAPITALS = {
    "frankreich": "Paris", "deutschland": "Berlin", "italien": "Rom", "spanien": "Madrid", "england": "London",
    "großbritannien": "London", "japan": "Tokio", "china": "Peking", "usa": "Washington", "amerika": "Washington",
    "vereinigten staaten": "Washington", "kanada": "Ottawa", "österreich": "Wien", "schweiz": "Bern",
    "portugal": "Lissabon", "polen": "Warschau", "griechenland": "Athen", "schweden": "Stockholm", "norwegen": "Oslo",
    "dänemark": "Kopenhagen", "finnland": "Helsinki", "irland": "Dublin", "belgien": "Brüssel",
    "niederlande": "Amsterdam", "niederlanden": "Amsterdam", "holland": "Amsterdam", "russland": "Moskau",
    "indien": "Neu-Delhi", "australien": "Canberra", "brasilien": "Brasília", "argentinien": "Buenos Aires",
    "mexiko": "Mexiko-Stadt", "ägypten": "Kairo", "türkei": "Ankara", "südkorea": "Seoul", "tschechien": "Prag",
    "ungarn": "Budapest", "kroatien": "Zagreb", "rumänien": "Bukarest", "ukraine": "Kiew", "bulgarien": "Sofia",
    "bayern": "München", "sachsen": "Dresden", "hessen": "Wiesbaden", "nordrhein westfalen": "Düsseldorf",
    "niedersachsen": "Hannover", "baden württemberg": "Stuttgart", "thüringen": "Erfurt", "brandenburg": "Potsdam",
}  # fmt: skip
_CAPITAL = re.compile(r"\bhauptstadt (?:von |in |des |der )+(?P<country>[\wäöüß ]+?)(?: heißt| ist)?$")
_AND = re.compile(r"^(?:und )?(?:von |in |der )*(?P<country>[\wäöüß ]+)$")
_TABLE = (
    (r"\blichtgeschwindigkeit\b|\bschnell ist (das )?licht\b", "Sehr schnell. Rund 300000 Kilometer in der Sekunde."),
    (r"\bschallgeschwindigkeit\b|\bschnell ist (der )?schall\b", "In Luft etwa 343 Meter in der Sekunde."),
    (r"\bweit\b.*\bmond\b", "Gar nicht so weit. Etwa 384000 Kilometer."),
    (r"\bweit\b.*\bsonne\b", "Etwa 150 Millionen Kilometer. Ihr Licht braucht acht Minuten."),
    (r"\bhimmel blau\b", "Wegen der Luft. Sie streut blaues Licht stärker als rotes."),
    (r"\bgras grün\b|\bblätter grün\b", "Wegen des Blattgrüns. Es behält rotes und blaues Licht und lässt das grüne."),
    (r"\bhöchste\w* berg\b", "Der Mount Everest. 8849 Meter."),
    (r"\blängste\w* fluss\b", "Der Nil, sagen die meisten. Etwas über 6600 Kilometer."),
    (r"\bgrößte\w* land\b", "Russland, nach der Fläche."),
    (r"\bwieviel (einwohner|menschen)\b.*\bdeutschland\b", "Etwa 83 Millionen."),
    (r"\bwer (war|ist) (albert )?einstein\b", "Ein Physiker aus Ulm. Er fand die Relativitätstheorie."),
    (r"\bwer (hat|schrieb) (den )?faust\b", "Goethe. Der erste Teil erschien 1808."),
    (r"\bdampfmaschine\b", "Dampf dehnt sich aus und schiebt einen Kolben. Ein Rad macht daraus eine Drehung."),
    (r"\bsprachmodell\b", "Ein Programm, das das nächste Wort errät. Immer wieder, bis eine Antwort dasteht."),
    (r"\bspracherkennung\b", "Aus Schall wird Text. So verstehe ich dich."),
    (r"\bkünstliche intelligenz\b", "Maschinen, die tun, wozu man Verstand braucht. Wo das anfängt, ist umstritten."),
)


def answer(text, turns):
    """The fact that plain ``text`` asks for, or None."""
    if found := _CAPITAL.search(text):
        return _of(found["country"])
    hers = turns.said_by("assistant")
    going_on = hers and hers[-1].rstrip(".") in _CAPITALS.values() and _AND.match(text)
    if going_on and (capital := _of(going_on["country"])):
        return capital
    return next((said for pattern, said in _TABLE if re.search(pattern, text)), None)


def _of(country):
    capital = _CAPITALS.get(re.sub(r"^(der|die|den|von) ", "", country.strip()))
    return capital and f"{capital}."
