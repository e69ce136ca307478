"""A take holds both voices on one clock, what happened, and survives a slow or a full disk."""

import json
import os
import resource
import threading
from contextlib import contextmanager
from typing import get_args

import numpy as np
import pytest
import yaml

from aurora.face import ARKIT
from nova.errors import ModelError
from nova.tools import ToolCall
from pipelines.conversation.events import (
    Decision,
    Failed,
    GenerationOver,
    Happening,
    PhaseChanged,
    PlayoutFinished,
    SoundJudged,
    TextTyped,
    ToolAnswered,
    ToolCalled,
    Transcribed,
    TurnEnded,
    VoiceStarted,
    VoiceStopped,
)
from pipelines.takes import writer as module
from pipelines.takes.reader import KINDS, read_events
from pipelines.takes.writer import (
    GAP_SECONDS,
    MOST_WAITING,
    VIEWS,
    WORDS_RESERVED,
    RecordingError,
    TakeWriter,
    kind_of,
)
from pipelines.telemetry.ledger import Ledger, Outcome
from sophia.audio import EAR_RATE, Frame
from sophia.decisions import Begin
from sophia.synthesis import VoiceError
from sophia.transcripts import Transcript, Word
from sophia.wav import read_wav

START = 100.0


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A busy machine may take its time to write."""
    monkeypatch.setattr(module, "CLOSE_SECONDS", 30.0)


def begin(folder, **changes):
    options = {"start": START, "reply_rate": 22_050, **changes}
    return TakeWriter(folder, {"llm": {"model": "nova"}}, **options)


def tone(seconds, rate=EAR_RATE, value=1000):
    return np.full(round(seconds * rate), value, np.int16)


def frames(count, first=START):
    return [Frame(tone(0.02, value=number + 1), first + 0.02 * number) for number in range(count)]


def said(text):
    return TextTyped(at=START, text=text)


def lines(folder, name):
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]


def wav(folder, name, rate):
    return np.round(read_wav(folder / f"{name}.wav", rate).pcm.astype(float)).astype(int)


@contextmanager
def files_at_most(size):
    """No file may grow beyond ``size`` bytes: writing fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_both_voices_stand_on_one_clock(tmp_path):
    take = begin(tmp_path / "take")
    for frame in frames(50):
        take.listened(frame)
    take.played(tone(0.1, 22_050, 7), START + 0.5)
    take.played(tone(0.1, 22_050, 8), START + 0.6)
    take.played(tone(0.1, 22_050, 9), START + 2.0)
    await take.aclose()
    user = wav(tmp_path / "take", "user", EAR_RATE)
    assert len(user) == EAR_RATE
    assert user[320 * 49] == 50
    reply = wav(tmp_path / "take", "reply", 22_050)
    assert len(reply) == round(2.1 * 22_050)
    edges = {at: int(reply[round(at * 22_050) + 1]) for at in (0.0, 0.49, 0.5, 0.6, 0.7, 1.99, 2.0)}
    assert edges == {0.0: 0, 0.49: 0, 0.5: 7, 0.6: 8, 0.7: 0, 1.99: 0, 2.0: 9}


async def test_a_lost_frame_becomes_silence_and_jitter_does_not(tmp_path):
    take = begin(tmp_path / "take")
    heard = frames(20)
    for number, frame in enumerate(heard):
        jitter = GAP_SECONDS / 3 * (number % 2)
        if number not in (10, 11, 12):
            take.listened(Frame(frame.pcm, frame.time + jitter))
    await take.aclose()
    user = wav(tmp_path / "take", "user", EAR_RATE)
    assert not user[3200 + 480 : 3200 + 800].any()
    assert list(user[:3200:320]) == list(range(1, 11))
    assert abs(int(np.flatnonzero(user == 14)[0]) - 13 * 320) <= GAP_SECONDS * EAR_RATE


async def test_what_happened_is_told_from_the_beginning_on(tmp_path):
    take = begin(tmp_path / "take")
    heard = Transcript("grüß dich", final=True, words=(Word("grüß", 0.1, 0.2),))
    take.told(Transcribed(at=START + 1.25, transcript=heard))
    take.told(VoiceStopped(101.0, START + 1.5, captured=101.02))
    take.told(PhaseChanged(at=START + 1.6, phase="speaking"))  # can be derived again
    take.told(Failed(at=START + 1.75, service="llm", error=ModelError("out of memory")))
    take.told(TurnEnded(at=START + 1.8, ledger=Ledger(turn=1, outcome=Outcome.REPLIED, user="grüß dich")))
    pose = np.zeros(len(ARKIT), np.float32)
    pose[0] = 0.123456
    take.posed(START + 2.0, pose)
    take.posed(START + 2.1, pose)
    await take.aclose()
    folder = tmp_path / "take"
    first, second, third = lines(folder, "events")
    assert (first["t"], first["kind"]) == (1.25, "transcribed")
    assert first["data"]["transcript"]["text"] == "grüß dich"
    assert second == {"t": 1.5, "kind": "voice_stopped", "data": {"time": 101.0, "at": 101.5, "captured": 101.02}}
    assert third["data"]["error"] == {"kind": "broken", "line": "Out of memory.", "hint": ""}
    assert lines(folder, "turns")[0]["outcome"] == "replied"
    names, *poses = lines(folder, "frames")
    assert names == {"names": list(ARKIT)}
    assert [(line["t"], line["w"][0]) for line in poses] == [(2.0, 0.1235), (2.1, 0.1235)]


async def test_half_a_surrogate_pair_is_kept_and_what_follows_too(tmp_path):
    take = begin(tmp_path / "take")
    for text in ("half \ud83d", "and on"):
        take.told(said(text))
    await take.aclose()
    assert [line["data"]["text"] for line in lines(tmp_path / "take", "events")] == ["half \ud83d", "and on"]
    assert json.loads((tmp_path / "take" / "manifest.json").read_text())["complete"]


async def test_events_are_read_back_as_they_were_told(tmp_path):
    told = [
        VoiceStarted(100.1, 100.2),
        Transcribed(at=100.3, transcript=Transcript("hello", stability=1.0, words=(Word("hello", 0.1, 0.3, 0.9),))),
        Begin(at=100.2, turn=1, origin="voice", onset=100.1, reason="a voice set in"),
        SoundJudged(at=100.31, time=100.25, complete=0.07297092676162720),
        PlayoutFinished(3, 104.0, 22_050, 104.1),
        ToolCalled(at=103.0, generation=3, call=ToolCall("call_1", "now", '{"zone": "é"}')),
        ToolAnswered(at=103.5, call_id="call_1", output="noon"),
        GenerationOver(at=104.1, generation=3, text="Hi.", heard="Hi.", tokens=2, seconds=0.7),
    ]
    take = begin(tmp_path / "take")
    for event in told:
        take.told(event)
    take.told(Failed(at=105.0, service="tts", error=VoiceError("the voice broke"), generation=3))
    await take.aclose()
    *same, failed = read_events(tmp_path / "take")
    assert same == told
    assert same[4].at == 104.1
    assert (failed.service, failed.generation, str(failed.error)) == ("tts", 3, "The voice broke.")
    with (tmp_path / "take" / "events.jsonl").open("a") as file:
        file.write('{"t": 1, "kind": "voice_sta')
    with pytest.raises(ValueError, match=r"events.jsonl, line 10: not an event of this version"):
        list(read_events(tmp_path / "take"))


def test_every_event_and_decision_has_a_kind_of_its_own():
    classes = [cls for cls in get_args(Happening) if cls not in VIEWS]
    assert list(KINDS.values()) == classes
    for cls in Decision.__subclasses__():
        assert KINDS[kind_of(cls)].__qualname__ == cls.__qualname__


async def test_the_manifest_and_the_config(tmp_path):
    take = begin(tmp_path / "deep" / "take")
    before = json.loads((tmp_path / "deep" / "take" / "manifest.json").read_text())
    await take.aclose()
    after = json.loads((tmp_path / "deep" / "take" / "manifest.json").read_text())
    assert (before["complete"], after["complete"]) == (False, True)
    assert after["schema"] == module.SCHEMA
    assert after["loop_time"] == START
    assert after["reply_rate"] == 22_050
    assert yaml.safe_load((tmp_path / "deep" / "take" / "config.yaml").read_text()) == {"llm": {"model": "nova"}}
    assert not (tmp_path / "deep" / "take" / "frames.jsonl").exists()


async def test_sound_is_taken_as_it_was_when_it_was_handed_over(tmp_path):
    take = begin(tmp_path / "take")
    buffer = tone(0.02, value=5)
    take.listened(Frame(buffer, START))
    buffer[:] = 0
    await take.aclose()
    assert set(wav(tmp_path / "take", "user", EAR_RATE)) == {5}


async def test_closing_twice_and_writing_after_it_are_harmless(tmp_path):
    take = begin(tmp_path / "take")
    await take.aclose()
    take.told(said("late"))
    await take.aclose()
    assert lines(tmp_path / "take", "events") == []


async def test_a_full_disk_is_one_warning_and_what_was_written_can_be_read(tmp_path):
    warned, lines_of_warning = threading.Event(), []

    def warn(line):
        lines_of_warning.append(line)
        warned.set()

    take = begin(tmp_path / "take", warn=warn)
    take.told(said("before"))
    with files_at_most(100_000):
        for frame in frames(400):  # 256 kB
            take.listened(frame)
        assert warned.wait(30)
    take.told(said("after"))
    take.listened(frames(1)[0])
    await take.aclose()
    assert len(lines_of_warning) == 1
    assert "recording stopped, the conversation goes on" in lines_of_warning[0]
    sound = read_wav(tmp_path / "take" / "user.wav")
    assert 1.0 <= sound.seconds <= 100_000 / 2 / EAR_RATE
    assert [line["data"]["text"] for line in lines(tmp_path / "take", "events")] == ["before"]
    assert json.loads((tmp_path / "take" / "manifest.json").read_text())["complete"] is False


async def test_a_slow_disk_costs_sound_before_words_and_is_counted(tmp_path, monkeypatch):
    reached, released = threading.Event(), threading.Event()
    write = module._Track.write

    def slow(self, pcm, at):
        reached.set()
        assert released.wait(30)
        write(self, pcm, at)

    monkeypatch.setattr(module._Track, "write", slow)
    take = begin(tmp_path / "take")
    sound = frames(MOST_WAITING + 10)
    take.listened(sound[0])
    assert reached.wait(30)
    for frame in sound[1:]:
        take.listened(frame)
    for number in range(WORDS_RESERVED):
        take.told(said(f"word {number}"))
    released.set()
    await take.aclose()
    refused = MOST_WAITING + 9 - (MOST_WAITING - WORDS_RESERVED)
    assert json.loads((tmp_path / "take" / "manifest.json").read_text())["refused"] == refused
    assert len(lines(tmp_path / "take", "events")) == WORDS_RESERVED


async def test_a_disk_that_hangs_does_not_hold_up_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.05)
    released = threading.Event()
    monkeypatch.setattr(module._Track, "write", lambda self, pcm, at: released.wait(30))
    take = begin(tmp_path / "take")
    take.listened(frames(1)[0])
    await take.aclose()
    assert not released.is_set()
    released.set()
    take._thread.join(30)


@pytest.mark.parametrize("name", ["manifest.json", "config.yaml", "user.wav", "turns.jsonl"])
def test_nothing_is_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(RecordingError, match=f"already holds {name}; name another folder"):
        begin(tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


async def test_a_take_is_its_owners(tmp_path):
    take = begin(tmp_path / "take")
    await take.aclose()
    assert (tmp_path / "take").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("rights", "told"), [(0o755, True), (0o750, True), (0o700, False)])
async def test_the_files_are_its_owners_in_whatever_folder(tmp_path, rights, told):
    folder = tmp_path / "take"
    folder.mkdir(mode=rights)
    before = os.umask(0)
    try:
        take = begin(folder)
        take.listened(frames(1)[0])
        take.posed(START, np.zeros(len(ARKIT), np.float32))
        await take.aclose()
    finally:
        os.umask(before)
    assert {path.name for path in folder.iterdir()} == set(module.FILES)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == rights, "a folder that was there is not changed"
    assert take.open_to_others is told


def test_a_link_in_place_of_a_file_is_not_followed(tmp_path):
    (tmp_path / "events.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RecordingError, match=r"already holds events\.jsonl"):
        begin(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match=r"cannot record into .*file/take: Not a directory"):
        begin(tmp_path / "file" / "take")
