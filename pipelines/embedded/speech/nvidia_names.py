"""NVIDIA's own names of models and voices, which clients carry as their defaults, and what stands in for them here.

A recogniser is named by its family and language, ``parakeet-1.1b-en-US-asr-streaming…``. A voice is named
``Magpie-Multilingual.EN-US.Aria`` or ``English-US.Female-1``, with a style behind it at times. Names are followed as
far as they tell something that this service has: the language, the sex of the voice. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipelines.embedded.speech.languages import MULTILINGUAL

_RECOGNISERS = re.compile(
    r"parakeet|conformer|canary|citrinet|quartznet|jasper|nemotron|whisper|\briva-asr|rnnt|\bctc\b", re.IGNORECASE
)
_VOICES = re.compile(r"^(?:magpie|chatterbox|english|german|fastpitch|radtts|ljspeech|riva)\b", re.IGNORECASE)
_LOCALE = re.compile(r"(?<![A-Za-z])([A-Za-z]{2})-[A-Za-z]{2}(?![A-Za-z])")
_LANGUAGE = re.compile(r"(?<![a-z])(ar|cs|da|de|en|es|fr|he|hi|it|ja|ko|nb|nl|pl|pt|ru|sv|th|tr|vi|zh)(?![a-z])")
"""Where there is no country: ``parakeet-ctc-0.6b-es``, ``stt_de_conformer_ctc``."""

_SPOKEN_LANGUAGE = re.compile(r"^([A-Za-z]+)-[A-Z]{2}\b")  # English-US, Spanish-US, Mandarin-CN

_WOMEN = {"female", "aria", "isabela", "louise", "mia", "siwei", "sofia"}
_MEN = {"male", "diego", "houzhen", "jason", "leo", "long", "pascal", "ray"}
"""Speakers of Magpie's catalogue."""


def recogniser(name: str, language: str = "en") -> bool:
    """Whether ``name`` is one of NVIDIA's recognisers that hear ``language``: two letters, whatever follows them."""
    return bool(_RECOGNISERS.search(name)) and (language == MULTILINGUAL or _is_of(name, language))


def nearest_voice(name: str, voices: Sequence[str], language: str = "en") -> str | None:
    """The voice that comes nearest to NVIDIA's voice ``name``; ``None`` if that is no voice of NVIDIA's in it."""
    told_language = _SPOKEN_LANGUAGE.match(name)
    called = {"en": "english", "de": "german"}[language[:2].lower()]
    if (
        not _VOICES.search(name)
        or not _is_of(name, language)
        or (told_language and told_language[1].lower() not in (called, "magpie"))
    ):
        return None
    told = [part.lower() for part in re.split(r"[.\-_]", name)]
    sex = "female" if _WOMEN & set(told) else "male" if _MEN & set(told) else ""
    same = [voice for voice in voices if sex and sex in re.split(r"[.\-]", voice.lower())]
    alike = [voice for voice in same if re.split(r"[.\-]", voice.lower())[-1] in told]  # of the same number
    return [*alike, *same, *voices][0]


def _is_of(name: str, language: str) -> bool:
    """A name without a language is one of English, or of many."""
    found = _LOCALE.search(name) or _LANGUAGE.search(name)
    return not found or found[1].lower() == language[:2].lower()
