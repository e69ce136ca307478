"""A talk on the virtual clock: lines of real speech, simulated services, and whatever a test breaks."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from pipelines import virtual_time
from pipelines.records.results import Unit
from pipelines.replay.conductor import play
from pipelines.replay.sessions import SimulatedSessions
from pipelines.scenarios.alignment import align
from pipelines.scenarios.scenario import Cue, Line, Scenario, Talk
from pipelines.settings.model import Settings
from pipelines.simulation.profile import load_profile
from pipelines.simulation.services import SimulatedComponents
from sophia.wav import read_wav

SOUNDBITES = Path(__file__).parents[3] / "pipelines" / "soundbites"
QUESTIONS = {
    "time": ("02_what_time.wav", "what time is it"),
    "story": ("05_story.wav", "tell me a story"),
    "say": ("06_what_did_i_say.wav", "what did i just say"),
}
LONG = "Once there was a lighthouse on a rock. " * 6
RATE = 16_000


def line(name="time", *, text=None, cut=None, **changes):
    """A bundled question as a line; ``text`` says that it is something else, ``cut`` keeps so many seconds."""
    file, transcript = QUESTIONS[name]
    pcm = read_wav(SOUNDBITES / file, RATE).pcm
    if cut is not None:
        pcm = pcm[: round(cut * RATE)]
    transcript = text or transcript
    made = Line.of(name, pcm, transcript)
    return replace(made, words=align(pcm, transcript), **changes)


def paused(first="story", second="time", pause=0.8, **changes):
    """Two questions as one line with a pause between them."""
    one, two = line(first), line(second)
    pcm = np.concatenate([one.pcm, np.zeros(round(pause * RATE), np.int16), two.pcm])
    text = f"{one.transcript} | {two.transcript}"
    made = Line.of(f"{first}+{second}", pcm, f"{one.transcript} {two.transcript}")
    return replace(made, words=align(pcm, text), **changes)


def over(seconds, name="say", **changes):
    """A line that is said over her reply."""
    return line(name, cue=Cue("over", seconds), **changes)


def settings(**turns):
    return Settings(face={"enabled": False}, turns=turns)


def profile(reply=LONG, **changes):
    """The exact profile; its mind always says ``reply``."""
    exact = load_profile("exact")
    llm = type(exact.llm).model_validate({**exact.llm.model_dump(), "replies": [reply]})
    return exact.model_copy(update={"llm": llm, **changes})


class ChangedComponents(SimulatedComponents):
    """Simulated services of which ``change`` may replace some components."""

    change = None

    def components(self, caller, unit):
        components = super().components(caller, unit)
        if self.change:
            self.change(components)
        return components


class Watched(SimulatedSessions):
    """Sessions that more than the conductor watches."""

    def __init__(self, components, observers):
        super().__init__(components)
        self._observers = observers

    def session(self, caller, unit, observers):
        return super().session(caller, unit, [*observers, *self._observers])


def perform(*lines, change=None, using=None, noise=None, tools=None, observers=(), **turns):
    """Plays the lines once; the turns that were found, and what was lost."""
    talk = Talk("talk", lines, noise, tools)

    async def run():
        components = ChangedComponents(using or profile(), settings(**turns), Scenario("test", [talk]))
        components.change = change
        return await play(talk, Unit(0, 0, 0), Watched(components, observers), 0.0)

    return virtual_time.run(run())
