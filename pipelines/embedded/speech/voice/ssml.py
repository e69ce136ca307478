"""SSML as far as Riva documents it, and breaks and emphasis besides: parts of a text with the manner of each. Pure.

A text is SSML if its first tag is ``<speak>``, or what may stand before that in a document. What is no valid SSML then,
or asks for more than this knows, is an error: nothing in it is left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree import ElementTree

from pipelines.embedded.speech.voice.pronunciation import Unpronounceable, sounds_of

_SPEAK = re.compile(r"(?:\s|<!--.*?-->)*<(?:speak[\s/>]|\?xml\s|!DOCTYPE\s)", re.DOTALL)

SLOWEST, FASTEST = 0.25, 2.5
MOST_HERTZ, MOST_DEVIATIONS, DEVIATION = 150.0, 3.0, 50.0
SOFTEST, LOUDEST = -13.0, 8.0
"""Riva's ranges: rate, pitch in Hz or in deviations of the voice (about 50 Hz each), volume in dB."""

LONGEST_BREAK = 10.0

_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.75}
_RATES |= {"x-low": 0.5, "low": 0.75, "high": 1.25, "x-high": 1.75}  # Riva's own words
_PITCHES = {"x-low": -60.0, "low": -30.0, "medium": 0.0, "default": 0.0, "high": 30.0, "x-high": 60.0}
_VOLUMES = {
    "silent": -120.0, "x-soft": -12.0, "soft": -6.0, "medium": 0.0, "default": 0.0, "loud": 4.0, "x-loud": 8.0
}  # fmt: skip
_BREAKS = {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 0.75, "x-strong": 1.25}
_EMPHASES = {
    "strong": (0.85, 25.0, 3.0), "moderate": (0.92, 12.0, 1.5), "none": (1.0, 0.0, 0.0), "reduced": (1.08, -8.0, -3.0)
}  # fmt: skip
_TAGS = {
    "speak": {"version", "lang", "schemaLocation", "base"}, "p": {"lang"}, "s": {"lang"}, "sub": {"alias"},
    "prosody": {"rate", "pitch", "volume"}, "emphasis": {"level"}, "break": {"time", "strength"},
    "phoneme": {"alphabet", "ph"},
}  # fmt: skip


class BadSsml(ValueError):
    """SSML that cannot be honoured; the message says what."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a part is said: ``rate`` 1 is the voice's own, ``pitch`` Hz and ``gain`` dB are added to it."""

    rate: float = 1.0
    pitch: float = 0.0
    gain: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """Some text in one style, or a ``pause`` in seconds. ``phones``: the text is one word, said like this."""

    text: str = ""
    style: Style = Style()
    phones: str = ""
    pause: float = 0.0


END = Part(text=".\n")
"""The end of a paragraph or sentence."""


def is_ssml(text: str) -> bool:
    """Whether ``text`` is meant to be SSML."""
    return _SPEAK.match(text) is not None


def parts(text: str) -> list[Part]:
    """The parts of an SSML document in order; raises :class:`BadSsml`."""
    if "<!" in text.replace("<!--", ""):
        raise BadSsml("the SSML must not declare anything: leave out what begins with '<!'")
    try:
        root = ElementTree.fromstring(text.strip())
    except ElementTree.ParseError as error:
        raise BadSsml(f"the SSML is no valid XML: {error}") from None
    return list(_walk(root, Style()))


def _walk(element: ElementTree.Element, style: Style) -> Iterator[Part]:
    tag = element.tag.rpartition("}")[2]
    given = {name.rpartition("}")[2]: value.strip() for name, value in element.attrib.items()}
    if tag not in _TAGS:
        raise BadSsml(f"SSML's <{tag}> is not supported; there are {', '.join(f'<{name}>' for name in _TAGS)}")
    if unknown := sorted(set(given) - _TAGS[tag]):
        raise BadSsml(f"<{tag}> has no {' or '.join(unknown)} here")
    if tag == "break":
        yield Part(pause=_pause(given))
    elif tag == "sub":
        yield Part(given.get("alias", ""), style)
    elif tag == "phoneme":
        try:
            yield Part("".join(element.itertext()), style, sounds_of(given.get("ph", ""), given.get("alphabet", "")))
        except Unpronounceable as error:
            raise BadSsml(f"<phoneme>: {error}") from None
    else:
        inner = _inner(tag, given, style)
        yield Part(element.text or "", inner)
        for child in element:
            yield from _walk(child, inner)
            yield Part(child.tail or "", inner)
        if tag in ("p", "s"):
            yield replace(END, style=inner)


def _inner(tag: str, given: dict[str, str], style: Style) -> Style:
    if tag == "emphasis":
        level = given.get("level", "moderate")
        if level not in _EMPHASES:
            raise BadSsml(f"<emphasis level={level!r}> is none of {', '.join(_EMPHASES)}")
        rate, pitch, gain = _EMPHASES[level]
        return Style(
            min(FASTEST, max(SLOWEST, style.rate * rate)),
            min(MOST_HERTZ, max(-MOST_HERTZ, style.pitch + pitch)),
            min(LOUDEST, style.gain + gain),
        )
    made = style
    if "rate" in given:
        made = replace(made, rate=style.rate * _rate(given["rate"]))
    if "pitch" in given:
        made = replace(made, pitch=style.pitch + _pitch(given["pitch"]))
    if "volume" in given:
        made = replace(made, gain=style.gain + _volume(given["volume"]))
    if not (SLOWEST <= made.rate <= FASTEST and abs(made.pitch) <= MOST_HERTZ and made.gain <= LOUDEST):
        raise BadSsml("<prosody> within another: together they are outside 25% to 250%, -150Hz to 150Hz, or above 8dB")
    return made


def _rate(value: str) -> float:
    if value in _RATES:
        return _RATES[value]
    found = re.fullmatch(r"([+-]?)(\d+(?:\.\d+)?)%", value)
    if not found:
        raise BadSsml(f"<prosody rate={value!r}> is neither a percentage nor one of {', '.join(_RATES)}")
    share = float(found[2]) / 100
    rate = 1 + share if found[1] == "+" else 1 - share if found[1] == "-" else share
    if found[1] == "+" and rate > FASTEST >= share:  # Riva writes the whole rate with a plus, too
        rate = share
    if not SLOWEST <= rate <= FASTEST:
        raise BadSsml(f"<prosody rate={value!r}> is outside 25% to 250%")
    return rate


def _pitch(value: str) -> float:
    if value in _PITCHES:
        return _PITCHES[value]
    found = re.fullmatch(r"([+-]?\d+(?:\.\d+)?)(Hz|hz)?", value)
    if not found:
        raise BadSsml(f"<prosody pitch={value!r}> is neither a number, nor in Hz, nor one of {', '.join(_PITCHES)}")
    number, limit = float(found[1]), MOST_HERTZ if found[2] else MOST_DEVIATIONS
    if abs(number) > limit:
        raise BadSsml(f"<prosody pitch={value!r}> is outside -3 to 3 or -150Hz to 150Hz")
    return number if found[2] else number * DEVIATION


def _volume(value: str) -> float:
    if value in _VOLUMES:
        return _VOLUMES[value]
    found = re.fullmatch(r"([+-]?\d+(?:\.\d+)?)dB", value)
    if not found:
        raise BadSsml(f"<prosody volume={value!r}> is neither in dB nor one of {', '.join(_VOLUMES)}")
    if not SOFTEST <= float(found[1]) <= LOUDEST:
        raise BadSsml(f"<prosody volume={value!r}> is outside -13dB to 8dB")
    return float(found[1])


def _pause(given: dict[str, str]) -> float:
    if "time" not in given:
        strength = given.get("strength", "medium")
        if strength not in _BREAKS:
            raise BadSsml(f"<break strength={strength!r}> is none of {', '.join(_BREAKS)}")
        return _BREAKS[strength]
    found = re.fullmatch(r"\+?(\d+(?:\.\d+)?)(ms|s)", given["time"])
    if not found:
        raise BadSsml(f"<break time={given['time']!r}> is neither in s nor in ms")
    seconds = float(found[1]) * (0.001 if found[2] == "ms" else 1.0)
    if seconds > LONGEST_BREAK:
        raise BadSsml(f"<break time={given['time']!r}> is longer than {LONGEST_BREAK:g} s")
    return seconds
