"""A room in which her voice comes back into the microphone, for conversations at a table on the virtual clock."""

import numpy as np

from pipelines.simulation.exact import SimulatedUser
from sophia.audio import EAR_RATE
from sophia.silero import SileroModel, VoiceDetector
from sophia.vad import VadSettings

MODEL = SileroModel()


def room():
    """An impulse response that decays by 60 dB in a quarter of a second."""
    rng = np.random.default_rng(7)
    response = rng.standard_normal(3200) * 10 ** (-3 * np.arange(3200) / EAR_RATE / 0.25)
    response[0] = 3
    return 0.5 * response / np.sqrt(np.sum(response**2))


class InTheRoom(SimulatedUser):
    """The user's microphone: what the user says, and what comes back from the loudspeaker."""

    air = None
    delay = 0.06

    def _sound(self, start):
        at = round(start * EAR_RATE)
        frame = super()._sound(start).astype(float) + self.air[at : at + 320]
        return np.clip(frame, -32768, 32767).astype(np.int16)

    def played(self, pcm, time):
        at = round((time - self.started + self.delay) * EAR_RATE)
        echo = np.convolve(pcm, room())
        self.air[at : at + len(echo)] += echo


def in_the_room(table, seconds, delay=0.06):
    """Puts the user into the room for up to ``seconds``; sound comes back after ``delay`` seconds."""
    table.make_user = InTheRoom
    table.detector = lambda emit: VoiceDetector(MODEL, VadSettings(), emit)
    InTheRoom.delay = delay
    InTheRoom.air = np.random.default_rng(5).normal(0, 8, seconds * EAR_RATE)
