"""A face is too slow by how far it is behind what is heard, and by nothing else."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from table import Table

from pipelines.simulation.exact import Says
from pipelines.simulation.paced import Pace, PacedFace, PacedVoice
from pipelines.telemetry.ledger import Outcome

STORY = "Once there was a lighthouse on a rock so small that only one person could live there. " * 8


def talk(piece, voice_speed, face_speed, repeat=1):
    """A reply of 41 s by a voice and a face of such speeds, as multiples of real time."""

    class Voice(PacedVoice):
        def __init__(self, delays):
            super().__init__(lambda: Pace(0.08, 1 / voice_speed), rate=8_000, word=0.3, piece=piece)

    class Face(PacedFace):
        def __init__(self, delays):
            super().__init__(lambda: Pace(0.01, 1 / face_speed))

    table = Table([Says(1.0, "tell me a story")], seconds=60 * repeat, make_voice=Voice, make_face=Face)
    table.tokens = [word + " " for word in (STORY * repeat).split()]
    (ledger,) = table.talk().turns
    assert ledger.outcome is Outcome.REPLIED
    return ledger


SPEEDS = st.floats(1.05, 50.0)


@settings(max_examples=12, deadline=None)
@example(piece=0.005, voice_speed=50.0, face_speed=1.5)
@example(piece=0.02, voice_speed=20.0, face_speed=5.0)
@example(piece=1.0, voice_speed=50.0, face_speed=5.0)
@given(piece=st.floats(0.005, 1.0), voice_speed=SPEEDS, face_speed=SPEEDS)
def test_a_face_that_is_faster_than_real_time_is_never_too_slow(piece, voice_speed, face_speed):
    ledger = talk(piece, voice_speed, face_speed)
    assert ledger.faults == []
    assert ledger.face_missing < 0.05


@settings(max_examples=4, deadline=None)
@given(piece=st.sampled_from([0.005, 0.04, 1.0]), voice_speed=SPEEDS)
def test_a_face_that_is_slower_than_real_time_is_told_once_and_the_voice_goes_on(piece, voice_speed):
    ledger = talk(piece, voice_speed, 0.8)
    assert [fault.service for fault in ledger.faults] == ["face"]


def test_a_face_that_falls_too_far_behind_is_given_up_with_numbers():
    ledger = talk(0.04, 20.0, 0.2, repeat=3)
    (fault,) = ledger.faults
    assert fault.line == "The face service is more than 60 s behind the voice."
