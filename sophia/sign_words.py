"""What signs are called, in the languages that NVIDIA's voices and the embedded one speak most.

A language that is not here gets a plain sign or a gap: a foreign word in its place would be understood by nobody.
"""

from __future__ import annotations

from collections.abc import Callable

LANGUAGES = ("en", "de", "es", "fr", "it")

WORDS: dict[str, tuple[str, str, str, str, str]] = {
    "×": ("times", "mal", "por", "fois", "per"),
    "÷": ("divided by", "geteilt durch", "entre", "divisé par", "diviso"),
    "+": ("plus", "plus", "más", "plus", "più"),
    "−": ("minus", "minus", "menos", "moins", "meno"),
    "±": ("plus or minus", "plus minus", "más o menos", "plus ou moins", "più o meno"),
    "^": ("to the", "hoch", "elevado a", "puissance", "alla"),
    "²": ("squared", "Quadrat", "al cuadrado", "au carré", "al quadrato"),
    "³": ("cubed", "hoch drei", "al cubo", "au cube", "al cubo"),
    "<": ("less than", "weniger als", "menos de", "moins de", "meno di"),
    ">": ("more than", "mehr als", "más de", "plus de", "più di"),
    "≤": ("at most", "höchstens", "como máximo", "au plus", "al massimo"),
    "≥": ("at least", "mindestens", "al menos", "au moins", "almeno"),
    "is <": ("is less than", "ist kleiner als", "es menor que", "est inférieur à", "è minore di"),
    "is >": ("is greater than", "ist größer als", "es mayor que", "est supérieur à", "è maggiore di"),
    "is ≤": ("is at most", "ist höchstens", "es como máximo", "est au plus", "è al massimo"),
    "is ≥": ("is at least", "ist mindestens", "es al menos", "est au moins", "è almeno"),
    "=": ("equals", "ist gleich", "es igual a", "égale", "è uguale a"),
    "≠": ("is not equal to", "ist ungleich", "no es igual a", "n'est pas égal à", "non è uguale a"),
    "≈": ("about", "etwa", "unos", "environ", "circa"),
    "is ≈": ("is about", "ist etwa", "es aproximadamente", "est environ", "è circa"),
    "to": ("to", "bis", "a", "à", "a"),
    "from": ("from", "von", "de", "de", "da"),
    "/": ("over", "durch", "entre", "sur", "fratto"),
    "#": ("number", "Nummer", "número", "numéro", "numero"),
    "§": ("section", "Paragraf", "artículo", "paragraphe", "paragrafo"),
    "‰": ("per mille", "Promille", "por mil", "pour mille", "per mille"),
    "√": ("the square root of", "Wurzel aus", "la raíz cuadrada de", "la racine carrée de", "la radice quadrata di"),
    "∞": ("infinity", "unendlich", "infinito", "l'infini", "infinito"),
    "∑": ("the sum of", "die Summe von", "la suma de", "la somme de", "la somma di"),
    "∏": ("the product of", "das Produkt von", "el producto de", "le produit de", "il prodotto di"),
    "∫": ("the integral of", "das Integral von", "la integral de", "l'intégrale de", "l'integrale di"),
    "∂": ("partial", "partiell", "parcial", "partielle", "parziale"),
    "∇": ("nabla", "Nabla", "nabla", "nabla", "nabla"),
    "∆": ("delta", "Delta", "delta", "delta", "delta"),
    "∈": ("in", "Element von", "pertenece a", "appartient à", "appartiene a"),
    "∉": ("not in", "kein Element von", "no pertenece a", "n'appartient pas à", "non appartiene a"),
    "∀": ("for all", "für alle", "para todo", "pour tout", "per ogni"),
    "∃": ("there is", "es gibt", "existe", "il existe", "esiste"),
    "∪": ("union", "vereinigt mit", "unión", "union", "unione"),
    "∩": ("intersected with", "geschnitten mit", "intersección", "intersection", "intersezione"),
    "⊂": ("is a subset of", "ist Teilmenge von", "es subconjunto de", "est inclus dans", "è un sottoinsieme di"),
    "∅": ("the empty set", "die leere Menge", "el conjunto vacío", "l'ensemble vide", "l'insieme vuoto"),
    "∝": ("is proportional to", "ist proportional zu", "es proporcional a", "est proportionnel à", "è proporzionale a"),
    "∥": ("is parallel to", "ist parallel zu", "es paralelo a", "est parallèle à", "è parallelo a"),
    "⊥": ("is perpendicular to", "senkrecht zu", "es perpendicular a", "est perpendiculaire à", "è perpendicolare a"),
    "∠": ("angle", "Winkel", "ángulo", "angle", "angolo"),
    "∴": ("therefore", "also", "por lo tanto", "donc", "quindi"),
    "∧": ("and", "und", "y", "et", "e"),
    "∨": ("or", "oder", "o", "ou", "o"),
    "¬": ("not", "nicht", "no", "non", "non"),
    "by": ("by", "mal", "por", "sur", "per"),
    "given": ("given", "gegeben", "dado", "sachant", "dato"),
    "choose": ("choose", "über", "sobre", "parmi", "su"),
    "and": ("and", "und", "y", "et", "e"),
    "½": ("one half", "ein halb", "un medio", "un demi", "un mezzo"),
    "⅓": ("one third", "ein Drittel", "un tercio", "un tiers", "un terzo"),
    "⅔": ("two thirds", "zwei Drittel", "dos tercios", "deux tiers", "due terzi"),
    "¼": ("one quarter", "ein Viertel", "un cuarto", "un quart", "un quarto"),
    "¾": ("three quarters", "drei Viertel", "tres cuartos", "trois quarts", "tre quarti"),
    "⅛": ("one eighth", "ein Achtel", "un octavo", "un huitième", "un ottavo"),
    "up": ("up", "plus", "más", "plus", "più"),
    "down": ("down", "minus", "menos", "moins", "meno"),
    "yes": ("yes", "ja", "sí", "oui", "sì"),
    "no": ("no", "nein", "no", "non", "no"),
    "m²": ("square meters", "Quadratmeter", "metros cuadrados", "mètres carrés", "metri quadrati"),
    "km²": ("square kilometers", "Quadratkilometer", "kilómetros cuadrados", "kilomètres carrés",
            "chilometri quadrati"),
    "cm²": ("square centimeters", "Quadratzentimeter", "centímetros cuadrados", "centimètres carrés",
            "centimetri quadrati"),
    "m³": ("cubic meters", "Kubikmeter", "metros cúbicos", "mètres cubes", "metri cubi"),
    "km³": ("cubic kilometers", "Kubikkilometer", "kilómetros cúbicos", "kilomètres cubes", "chilometri cubi"),
    "cm³": ("cubic centimeters", "Kubikzentimeter", "centímetros cúbicos", "centimètres cubes", "centimetri cubi"),
    "dot": ("dot", "Punkt", "punto", "point", "punto"),
    "@": ("at", "ät", "arroba", "arobase", "chiocciola"),
    "code": ("Code example.", "Codebeispiel.", "Ejemplo de código.", "Exemple de code.", "Esempio di codice."),
}  # fmt: skip
"""Each sign's word in each of ``LANGUAGES``; "is …" where a number or a variable stands before it."""

_PLAIN = {"+": " + ", "−": " -", "to": "-"}
"""What any voice reads by itself, in the place of a word that is not known here."""

GROUPING = {"en": ",", "de": ".", "es": ".", "it": "."}
"""What parts thousands where a voice takes it for nothing else."""


def language_of(tag: str) -> str:
    """The language of a BCP 47 tag, such as "de" of "de-AT"."""
    return tag.replace("_", "-").partition("-")[0].lower()


def words_of(language: str) -> Callable[[str], str]:
    """What gives a sign's word with a space around it, or a plain sign or a space if ``language`` is not known."""
    if language not in LANGUAGES:
        return lambda sign: _PLAIN.get(sign, " ")
    column = LANGUAGES.index(language)
    return lambda sign: f" {WORDS[sign][column]} "
