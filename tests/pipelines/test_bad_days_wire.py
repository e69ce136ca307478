"""Bad days in the middle of a talk, on the real wire: one clear line for each failure, and an exit code.

The services are simulated, TLS, gRPC, the clients and the whole session are real. Services that are killed are in
``test_voice_loop.py``, where real ones run; failures without a wire in ``test_bad_days.py``, on a virtual clock.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
from lab import ANSWER, HEARD, Lab, config, serving
from talk_in_lab import QUESTION, SERVICES, Told, hold, hold_in_lab, loud_seconds, patient_with_the_face

from pipelines.settings.model import load_settings
from pipelines.talk import devices
from pipelines.talk.program import Options, VoiceLoop
from pipelines.telemetry.ledger import Outcome
from sophia.audio import Frame
from sophia.microphone import MicrophoneLost
from sophia.playout import Playout
from sophia.sinks import NullSink, SinkError, SinkStalled
from sophia.wav import read_wav

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


@pytest.fixture(scope="module", autouse=True)
def _patient() -> Iterator[None]:
    with patient_with_the_face():
        yield


@pytest.mark.side_by_side
async def test_on_a_good_day_nothing_is_told(tmp_path: Path, pki: Path) -> None:
    code, told = await hold_in_lab(Lab(), tmp_path, pki, reply=tmp_path / "reply.wav")
    assert (code, told.errors) == (0, [])
    assert [ledger.outcome for ledger in told.turns] == [Outcome.REPLIED]
    assert told.turns[0].faults == []
    assert loud_seconds(tmp_path / "reply.wav") > 0.9


# In the middle of a turn


@pytest.mark.side_by_side
@pytest.mark.parametrize(
    ("service", "does", "outcome", "code", "says"),
    [
        ("llm", "hangs at once", Outcome.FAILED, 3, "gave no first token within 1.5 s"),
        ("llm", "hangs", Outcome.BROKEN, 3, "gave no next token within 1 s"),
        ("llm", "fails at once", Outcome.FAILED, 5, "CUDA out of memory"),
        ("llm", "fails", Outcome.BROKEN, 5, "CUDA out of memory"),
        ("llm", "says nothing", Outcome.FAILED, 5, "without a word to say"),
        ("tts", "hangs at once", Outcome.FAILED, 3, "The voice"),
        ("tts", "hangs", Outcome.BROKEN, 3, "The voice"),
        ("tts", "says nothing", Outcome.FAILED, 5, "The voice"),
        ("face", "hangs", Outcome.REPLIED, 5, "face service"),  # by its own limit, or at the end of the reply
        ("face", "fails", Outcome.REPLIED, 5, "no room for another stream"),
    ],
)
async def test_a_service_that_fails_in_a_turn_is_told_once_and_the_next_turn_works(  # noqa: PLR0917 - a table
    tmp_path: Path, pki: Path, service: str, does: str, outcome: Outcome, code: int, says: str
) -> None:
    reply, json_file = tmp_path / "reply.wav", tmp_path / "turns.jsonl"
    lab = Lab({service: does})
    ended, told = await hold_in_lab(lab, tmp_path, pki, QUESTION, QUESTION, reply=reply, json=json_file)
    first, second = told.turns
    assert (first.outcome, second.outcome) == (outcome, Outcome.REPLIED)
    assert [fault.service for fault in first.faults] == [service]
    assert second.faults == []
    (line,) = told.errors
    assert says in line
    assert ended == code
    assert loud_seconds(reply) > 1.2  # an apology, or what came before it, and the second reply
    if outcome is not Outcome.FAILED:
        assert first.heard
    assert [json.loads(line)["outcome"] for line in json_file.read_text().splitlines()] == [outcome, "replied"]


@pytest.mark.side_by_side
@pytest.mark.parametrize("does", ["fails in the third clause", "is silent in the third clause"])
async def test_a_clause_that_cannot_be_said_is_left_out_shown_and_noted(tmp_path: Path, pki: Path, does: str) -> None:
    code, told = await hold_in_lab(Lab({"tts": does}), tmp_path, pki, QUESTION, QUESTION)
    assert (code, told.errors) == (0, [])
    first, second = told.turns
    assert (first.outcome, second.outcome) == (Outcome.REPLIED, Outcome.REPLIED)
    (left_out,) = first.skipped
    assert left_out in ANSWER
    assert first.heard.split() == ANSWER.replace(left_out, "").split()
    assert [fault.service for fault in first.faults] == ["tts"]
    (line,) = told.notices
    assert line.startswith(f"Left out, for the voice cannot say it: “{left_out}”. The ")
    assert second.skipped == []


@pytest.mark.parametrize("away", [("llm", "tts"), ("llm",), ("tts",)])
async def test_services_that_are_restarted_in_the_middle_of_a_talk_are_waited_for(
    tmp_path: Path, pki: Path, away: tuple[str, ...]
) -> None:
    lab, restarted = Lab(), Lab()
    async with serving(lab, pki) as port:
        async with serving(restarted, pki) as other:
            made = config(tmp_path, pki, {**dict.fromkeys(SERVICES, port), **dict.fromkeys(away, other)})
            talk = asyncio.create_task(hold(made, QUESTION, QUESTION, QUESTION))
            await lab.reaches(2)
        await asyncio.sleep(1.5)  # until it is back: longer than the pause that ends the turn
        async with serving(restarted, pki, other):
            code, told = await talk
    assert (code, told.errors) == (0, [])
    assert [ledger.outcome for ledger in told.turns] == [Outcome.REPLIED] * 3
    assert [ledger.heard.split() for ledger in told.turns] == [ANSWER.split()] * 3
    assert {line.partition(" at ")[0] for line in told.notices} <= {f"The {service}" for service in away}


@pytest.mark.side_by_side
async def test_a_recogniser_that_hangs_in_a_turn_is_given_up_with_a_spoken_word(tmp_path: Path, pki: Path) -> None:
    lab = Lab({"asr": "hangs"})
    code, told = await hold_in_lab(lab, tmp_path, pki, *[QUESTION] * 4, reply=tmp_path / "reply.wav")
    assert code == 3
    (line,) = told.errors
    assert line.startswith(("The recogniser gives no answer", "Nothing comes back from the recogniser"))
    assert sum("She waits for her ears" in line for line in told.notices) <= 1
    assert Outcome.REPROMPTED not in [ledger.outcome for ledger in told.turns]
    assert loud_seconds(tmp_path / "reply.wav") > 0.3  # "I can't hear you any more"


@pytest.mark.side_by_side
async def test_a_recogniser_that_refuses_is_told_with_its_own_words(tmp_path: Path, pki: Path) -> None:
    lab = Lab({"asr": "refuses"})
    code, told = await hold_in_lab(lab, tmp_path, pki, reply=tmp_path / "reply.wav")
    assert code == 5
    (line,) = told.errors
    assert "refused the request: “no model for xx-XX”" in line
    assert loud_seconds(tmp_path / "reply.wav") > 0.3


async def test_garbage_transcripts_neither_end_the_talk_nor_leave_silence(tmp_path: Path, pki: Path) -> None:
    garbage = ["", "   ", "\x1b[2J\x1b]0;owned\x07\u202ereversed\u0000", "<unk> " * 20_000, "…", "🤷" * 50]
    async with asyncio.TaskGroup() as group:
        for number, text in enumerate(garbage):
            folder = tmp_path / str(number)
            folder.mkdir()
            group.create_task(outlasts(text, folder, pki))


async def outlasts(garbage: str, tmp_path: Path, pki: Path) -> None:
    lab = Lab()
    lab.heard = garbage
    async with serving(lab, pki) as port:
        made = config(tmp_path, pki, dict.fromkeys(SERVICES, port))
        talk = asyncio.create_task(hold(made, QUESTION, QUESTION, reply=tmp_path / "reply.wav"))
        await lab.reaches(2)  # the first utterance was answered with garbage
        lab.heard = HEARD
        code, told = await talk
    assert code == 0
    assert told.errors == []
    assert told.turns[-1].outcome is Outcome.REPLIED
    assert told.turns[0].outcome in (Outcome.REPROMPTED, Outcome.REPLIED)
    assert told.texts[-1].lower().startswith("where is")


# Devices


class Microphone:
    """Hears a second of silence, then is unplugged and cannot be opened any more."""

    opened = 0

    def __init__(self, settings: object) -> None:
        self.overflows = 0

    async def frames(self) -> AsyncIterator[Frame]:
        loop = asyncio.get_running_loop()
        type(self).opened += 1
        for _ in range(50 if self.opened == 1 else 0):
            await asyncio.sleep(0.02)
            yield Frame(np.zeros(320, np.int16), loop.time() - 0.02)
        raise MicrophoneLost("the microphone is gone; plug it in again")

    async def aclose(self) -> None: ...


class StalledCard(NullSink):
    """A sound card whose driver hangs in the middle of her first sentence, and which cannot be opened any more."""

    cards = 0
    underflows = 0

    def __init__(self, settings: object) -> None:
        self.opened = asyncio.Event()
        type(self).cards += 1

    async def run(self, playout: Playout) -> None:
        if self.cards > 1:
            raise SinkError("the sound card is busy")
        self.opened.set()
        await playout.wanted()
        playout.pull(441, asyncio.get_running_loop().time())
        await asyncio.sleep(0.5)
        raise SinkStalled("the sound card took no samples for 0.5 s; restart the sound server")


async def test_a_microphone_that_does_not_come_back_ends_the_talk_with_one_line(
    tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "missing_device", lambda kind: None)
    monkeypatch.setattr(Microphone, "opened", 0)
    monkeypatch.setattr(devices, "Microphone", Microphone)
    async with serving(Lab(), pki) as port:
        told = Told()
        within = {"microphone.return_seconds": "1"}
        settings = load_settings(config(tmp_path, pki, dict.fromkeys(SERVICES, port)), within, {})
        options = Options("lab.yaml", reply=tmp_path / "reply.wav", record=tmp_path / "take")
        code = await VoiceLoop(settings, options, told).run()
    assert code == 1
    assert told.errors == ["The microphone did not come back within 1 s: the microphone is gone; plug it in again."]
    assert Microphone.opened > 1
    assert read_wav(tmp_path / "take/user.wav").seconds > 0.95
    assert json.loads((tmp_path / "take/manifest.json").read_text())["complete"]


async def test_a_sound_card_that_stalls_is_told_once_and_the_talk_goes_on_unheard(
    tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "missing_device", lambda kind: None)
    monkeypatch.setattr(StalledCard, "cards", 0)
    monkeypatch.setattr(devices, "SoundCard", StalledCard)
    code, told = await hold_in_lab(Lab(), tmp_path, pki, QUESTION, QUESTION)
    assert (code, told.errors) == (1, [])  # it was still away at the end
    stalled = "The sound card took no samples for 0.5 s; restart the sound server."
    assert told.notices == [f"{stalled} She goes on and looks for it."]
    assert told.turns[-1].outcome is Outcome.REPLIED
