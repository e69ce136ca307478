"""What a conversation is built from: devices, services, and what may be changed while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aurora.face import Face
from nova.history import History
from nova.mind import Mind
from nova.tools import Toolbox
from pipelines.conversation.events import SoundJudged, VoiceStarted, VoiceStopped
from pipelines.conversation.manner import Manners
from pipelines.conversation.phrases import Phrases
from pipelines.conversation.tongues import Speech
from sophia.audio import AudioSource, Pcm
from sophia.echo import EchoGuard
from sophia.moods import Showing
from sophia.sinks import Sink
from sophia.speech import Synthesizer
from sophia.transcripts import Recognizer
from sophia.turns import TurnTaking
from sophia.vad import Detector


@dataclass(slots=True)
class Components:
    """What a conversation is built from. ``detector`` makes a voice detector that reports to the given function. It may
    also judge how the ends of voices sound (:class:`sophia.sounded.SoundedDetector`).

    ``cue`` is played, at the voice's rate, when she begins to listen. ``tools`` and ``manners`` may be changed
    while it runs. ``recorded``: the user is recorded, and hears of it first. ``others`` are what she speaks other
    languages with. ``mood`` is how much of hers shows.
    """

    source: AudioSource
    asr: Recognizer
    detector: Callable[[Callable[[VoiceStarted | VoiceStopped | SoundJudged], None]], Detector]
    turns: TurnTaking
    llm: Mind
    history: History
    tts: Synthesizer
    phrases: Phrases
    sink: Sink
    face: Face | None = None
    echo: EchoGuard | None = None
    cue: Pcm | None = None
    tools: Toolbox = field(default_factory=Toolbox)
    manners: Manners = field(default_factory=Manners)
    recorded: bool = False
    others: Mapping[str, Speech] = field(default_factory=dict)
    mood: Showing = "off"
