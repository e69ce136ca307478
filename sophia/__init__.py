"""Sophia's ears and voice: hearing, turn taking, synthesis and playout.

It imports neither the mind (``nova``), nor the face (``aurora``), nor the programs that join them (``pipelines``). What
stands here is public: the protocols that a part of your own can satisfy, and the data that they exchange.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sophia.audio import EAR_RATE as EAR_RATE
    from sophia.audio import FRAME_SECONDS as FRAME_SECONDS
    from sophia.audio import AudioSource as AudioSource
    from sophia.audio import Frame as Frame
    from sophia.audio import Pcm as Pcm
    from sophia.completeness import Judgement as Judgement
    from sophia.completeness import TurnModel as TurnModel
    from sophia.decisions import Decision as Decision
    from sophia.echo import EchoGuard as EchoGuard
    from sophia.heard import TimedWord as TimedWord
    from sophia.played import Piece as Piece
    from sophia.playout import Playout as Playout
    from sophia.playout_events import PlayoutFinished as PlayoutFinished
    from sophia.playout_events import PlayoutStarted as PlayoutStarted
    from sophia.playout_events import PlayoutUnderrun as PlayoutUnderrun
    from sophia.sinks import Sink as Sink
    from sophia.sinks import SinkError as SinkError
    from sophia.speech import SpeechChunk as SpeechChunk
    from sophia.speech import SpokenWord as SpokenWord
    from sophia.speech import Synthesizer as Synthesizer
    from sophia.transcripts import Recognizer as Recognizer
    from sophia.transcripts import Transcript as Transcript
    from sophia.transcripts import Word as Word
    from sophia.turn_settings import TurnSettings as TurnSettings
    from sophia.turns import Phase as Phase
    from sophia.turns import TurnTaking as TurnTaking
    from sophia.vad import VoiceStarted as VoiceStarted
    from sophia.vad import VoiceStopped as VoiceStopped

_WHERE = {
    "AudioSource": "sophia.audio",
    "Decision": "sophia.decisions",
    "EAR_RATE": "sophia.audio",
    "EchoGuard": "sophia.echo",
    "FRAME_SECONDS": "sophia.audio",
    "Frame": "sophia.audio",
    "Judgement": "sophia.completeness",
    "Pcm": "sophia.audio",
    "Phase": "sophia.turns",
    "Piece": "sophia.played",
    "Playout": "sophia.playout",
    "PlayoutFinished": "sophia.playout_events",
    "PlayoutStarted": "sophia.playout_events",
    "PlayoutUnderrun": "sophia.playout_events",
    "Recognizer": "sophia.transcripts",
    "Sink": "sophia.sinks",
    "SinkError": "sophia.sinks",
    "SpeechChunk": "sophia.speech",
    "SpokenWord": "sophia.speech",
    "Synthesizer": "sophia.speech",
    "TimedWord": "sophia.heard",
    "Transcript": "sophia.transcripts",
    "TurnModel": "sophia.completeness",
    "TurnSettings": "sophia.turn_settings",
    "TurnTaking": "sophia.turns",
    "VoiceStarted": "sophia.vad",
    "VoiceStopped": "sophia.vad",
    "Word": "sophia.transcripts",
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
