"""One language for ears, turn taking and voice, or several: what ``language`` and ``tts.by_language`` mean for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sophia.languages import language
from sophia.recognition_wire import AUTO, RecognizerSettings
from sophia.synthesis import SynthesizerSettings
from sophia.turn_settings import TurnSettings

SECTIONS = ("asr", "turns", "tts")


def with_languages(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, with ``language`` in each section that does not name its own.

    Where it is ``auto``, the recogniser tells the language. Turn taking and voice begin in that of ``tts.language``,
    and follow the user into those of ``tts.by_language``.
    """
    sections = {name: values.get(name) for name in SECTIONS}
    if not all(section is None or isinstance(section, Mapping) for section in sections.values()):
        return dict(values)
    asr, turns, tts = ({**(sections[name] or {})} for name in SECTIONS)
    language = values.get("language")
    if language == AUTO:
        asr.setdefault("language", AUTO)
        if "language" in tts:
            turns.setdefault("language", tts["language"])
    elif isinstance(language, str):
        for section in (asr, turns, tts):
            section.setdefault("language", language)
    if asr.get("language") == AUTO and isinstance(tts.get("by_language"), Mapping):
        turns.setdefault("languages", list(tts["by_language"]))
    found = {"asr": asr, "turns": turns, "tts": tts}
    return {**values, **{name: section for name, section in found.items() if section or name in values}}


def checked_voices(
    tts: SynthesizerSettings, asr: RecognizerSettings | None, turns: TurnSettings | None
) -> SynthesizerSettings:
    """The voice's settings, if she has a voice for each language that she may be spoken to in."""
    if AUTO in (tts.language, *tts.by_language):
        raise ValueError("a voice has a language, such as en-US; auto is for ears (language, asr.language)")
    if turns and (silent := [tag for tag in turns.languages if tag not in (tts.language, *tts.by_language)]):
        raise ValueError(f"there is no voice for {silent[0]}, which is one of turns.languages; add it to by_language")
    if turns and turns.languages and turns.language != tts.language:
        raise ValueError(f"she begins in {tts.language}; turns.language has to be the same, or is left out")
    if asr and asr.language == AUTO and turns and not turns.languages:
        raise ValueError(
            "language auto needs the other languages that she speaks: tts.by_language, with a voice for each "
            "or an empty one, such as {de-DE: Magpie-Multilingual.DE-DE.Aria}"
        )
    return tts


def without_words(turns: TurnSettings) -> str:
    """A line on the languages of which she knows no words; empty if there are none."""
    if not (unknown := [tag for tag in (turns.language, *turns.languages) if not language(tag).known]):
        return ""
    return (
        f"She knows no words of {', '.join(unknown)}: there she takes no word for a mere “mhm”, waits as long whatever "
        "is said, says nothing by herself, and runs no tool that needs a yes (docs/languages.md)."
    )
