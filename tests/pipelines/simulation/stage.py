"""A small world for simulations: a profile, lines whose words are known, and the bundled questions."""

import csv
from pathlib import Path

import numpy as np

from pipelines.scenarios.scenario import Line, Scenario, SpokenWord, Talk
from pipelines.settings.model import Settings, load_settings
from pipelines.simulation.profile import ServiceProfile
from sophia.audio import EAR_RATE
from sophia.wav import read_wav

BITES = Path(__file__).parents[3] / "pipelines" / "soundbites"


def profile(**changes) -> ServiceProfile:
    """Exact delays; ``changes`` replace keys of a section, for example ``llm={"first_token": 0.3}``."""
    values = {
        "name": "exact",
        "asr": {"interim": 0.05, "stable": 0.06, "final": 0.07, "forced": 0.03},
        "llm": {"first_token": 0.12, "token": 0.015, "replies": ["It is a quarter past ten, I think."]},
        "tts": {"first_sound": 0.08, "speed": 8},
    }
    for section, change in changes.items():
        values[section] = {**values[section], **change} if isinstance(values.get(section), dict) else change
    return ServiceProfile.model_validate(values)


def noise_line(words, seconds=None, name="line"):
    """A line of a buzz with the given ``(text, start, end)``; voiced from the first to the last of them."""
    end = max((word[2] for word in words), default=0.5)
    pcm = np.zeros(round((seconds or end + 0.1) * EAR_RATE), np.int16)
    spoken = tuple(SpokenWord(*word) for word in words)
    voiced = (round(spoken[0].start * EAR_RATE), round(end * EAR_RATE)) if spoken else None
    return Line(name, pcm, voiced, " ".join(word.text for word in spoken) or None, spoken)


def question(name="02_what_time.wav"):
    """One of the bundled questions; its words are guessed from its sound."""
    with (BITES / "manifest.csv").open() as file:
        transcripts = {row["file"]: row["transcript"] for row in csv.DictReader(file)}
    return Line.of(name, read_wav(BITES / name, EAR_RATE).pcm, transcripts[name])


def scenario(*lines):
    """One talk."""
    return Scenario("test", [Talk("talk", lines)])


def faceless() -> Settings:
    """The settings of the project's own services, without a face, which only costs time here."""
    return load_settings(overrides={"face.enabled": "false"}, environment={})
