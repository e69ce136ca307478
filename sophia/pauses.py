"""How long a silence ends a turn: by how finished the words sound, and by the pauses this user makes."""

from __future__ import annotations

from sophia.completeness import TurnModel
from sophia.decisions import Wait
from sophia.turn_settings import TurnSettings

SHORTEST = 0.15
"""Seconds; shorter gaps in a voice are stops and plosives, and teach nothing."""


class Pauses:
    """The endpointing pauses of one session.

    ``hesitation`` is the learned pause of this user in the middle of a turn, in seconds: a fading mean of the pauses
    spoken over.
    """

    def __init__(self, settings: TurnSettings, model: TurnModel) -> None:
        self.hesitation = 0.0
        self._settings = settings
        self._model = model

    def learn(self, pause: float) -> None:
        """The user went on after ``pause`` seconds, with words.

        A silence longer than any that turn taking would wait through is no hesitation, and teaches nothing.
        """
        s = self._settings
        if SHORTEST <= pause <= max(s.pause_unfinished, s.pause_learned_max):
            self.hesitation += 0.4 * (min(pause, s.pause_learned_max) - self.hesitation)

    def forget(self) -> None:
        """A turn went well, which says: this user does not hesitate so much."""
        self.hesitation *= 0.9

    def after(self, text: str, heard: float | None = None, language: str = "") -> tuple[Wait, str]:
        """The silence that ends a turn with this text, and why it sounds so.

        ``language`` is that of the text, if not that of the settings. ``heard`` is what the sound says, see
        :class:`~sophia.completeness.TurnModel`.
        """
        s = self._settings
        judgement = self._model.judge(text, language or s.language, heard)
        learned = min(self.hesitation * 1.2, s.pause_learned_max)
        match judgement.sounds:
            case "complete":
                # A whole sentence is rarely gone on with; a hesitant user still gets some of the patience.
                pause = max(s.pause_complete, learned / 2)
            case "open":
                pause = max(s.pause_open, learned)
            case "unfinished":
                pause = s.pause_unfinished
        return Wait(pause, judgement.sounds), judgement.reason
