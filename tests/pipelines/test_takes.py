"""A take holds both voices on one clock, what happened, and survives a slow or a full disk."""

import json
import resource
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pytest
import yaml

from pipelines.takes import recording as module
from pipelines.takes.recording import GAP_SECONDS, MOST_WAITING, WORDS_RESERVED, Recording, RecordingError
from pipelines.telemetry.ledger import Ledger, Outcome
from sophia.audio import EAR_RATE, Frame
from sophia.wav import read_wav

START = 100.0


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A busy machine may take its time to write."""
    monkeypatch.setattr(module, "CLOSE_SECONDS", 30.0)


def begin(folder, **changes):
    options = {"start": START, "reply_rate": 22_050, **changes}
    return Recording(folder, {"llm": {"model": "nova"}}, **options)


def tone(seconds, rate=EAR_RATE, value=1000):
    return np.full(round(seconds * rate), value, np.int16)


def frames(count, first=START):
    return [Frame(tone(0.02, value=number + 1), first + 0.02 * number) for number in range(count)]


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
        take.user(frame)
    take.reply(tone(0.1, 22_050, 7), START + 0.5)
    take.reply(tone(0.1, 22_050, 8), START + 0.6)
    take.reply(tone(0.1, 22_050, 9), START + 2.0)
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
            take.user(Frame(frame.pcm, frame.time + jitter))
    await take.aclose()
    user = wav(tmp_path / "take", "user", EAR_RATE)
    assert not user[3200 + 480 : 3200 + 800].any()
    assert list(user[:3200:320]) == list(range(1, 11))
    assert abs(int(np.flatnonzero(user == 14)[0]) - 13 * 320) <= GAP_SECONDS * EAR_RATE


async def test_what_happened_is_told_from_the_beginning_on(tmp_path):
    class Kind(StrEnum):
        GUESS = "guess"

    @dataclass(frozen=True)
    class VoiceStarted:
        time: float
        kind: Kind
        level: np.float32
        pcm: np.ndarray

    take = begin(tmp_path / "take")
    take.event("transcript", START + 1.25, text="grüß dich", final=True)
    take.happened(START + 1.5, VoiceStarted(101.0, Kind.GUESS, np.float32(0.5), tone(0.02)))
    take.turn(Ledger(turn=1, outcome=Outcome.REPLIED, user="grüß dich"))
    take.pose(START + 2.0, np.array([0.25, 0.123456], np.float32), ("jawOpen", "mouthClose"))
    take.pose(START + 2.1, [1.0, 0.0], ("jawOpen", "mouthClose"))
    await take.aclose()
    folder = tmp_path / "take"
    assert lines(folder, "events") == [
        {"t": 1.25, "kind": "transcript", "text": "grüß dich", "final": True},
        {
            "t": 1.5,
            "kind": "voice_started",
            "data": {"time": 101.0, "kind": "guess", "level": 0.5, "pcm": {"samples": 320}},
        },
    ]
    assert lines(folder, "turns")[0]["outcome"] == "replied"
    assert lines(folder, "frames") == [
        {"names": ["jawOpen", "mouthClose"]},
        {"t": 2.0, "w": [0.25, 0.1235]},
        {"t": 2.1, "w": [1.0, 0.0]},
    ]


async def test_the_manifest_and_the_config(tmp_path):
    take = begin(tmp_path / "deep" / "take")
    before = json.loads((tmp_path / "deep" / "take" / "manifest.json").read_text())
    await take.aclose()
    after = json.loads((tmp_path / "deep" / "take" / "manifest.json").read_text())
    assert (before["complete"], after["complete"]) == (False, True)
    assert after["schema"] == 1
    assert after["loop_time"] == START
    assert after["reply_rate"] == 22_050
    assert yaml.safe_load((tmp_path / "deep" / "take" / "config.yaml").read_text()) == {"llm": {"model": "nova"}}
    assert not (tmp_path / "deep" / "take" / "frames.jsonl").exists()


async def test_sound_is_taken_as_it_was_when_it_was_handed_over(tmp_path):
    take = begin(tmp_path / "take")
    buffer = tone(0.02, value=5)
    take.user(Frame(buffer, START))
    buffer[:] = 0
    await take.aclose()
    assert set(wav(tmp_path / "take", "user", EAR_RATE)) == {5}


async def test_closing_twice_and_writing_after_it_are_harmless(tmp_path):
    take = begin(tmp_path / "take")
    await take.aclose()
    take.event("late", START)
    await take.aclose()
    assert lines(tmp_path / "take", "events") == []


async def test_a_full_disk_is_one_warning_and_what_was_written_can_be_read(tmp_path):
    warned, lines_of_warning = threading.Event(), []

    def warn(line):
        lines_of_warning.append(line)
        warned.set()

    take = begin(tmp_path / "take", warn=warn)
    take.event("before", START)
    with files_at_most(100_000):
        for frame in frames(400):  # 256 kB
            take.user(frame)
        assert warned.wait(30)
    take.event("after", START)
    take.user(frames(1)[0])
    await take.aclose()
    assert len(lines_of_warning) == 1
    assert "recording stopped, the conversation goes on" in lines_of_warning[0]
    sound = read_wav(tmp_path / "take" / "user.wav")
    assert 1.0 <= sound.seconds <= 100_000 / 2 / EAR_RATE
    assert [line["kind"] for line in lines(tmp_path / "take", "events")] == ["before"]
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
    take.user(sound[0])
    assert reached.wait(30)
    for frame in sound[1:]:
        take.user(frame)
    for number in range(WORDS_RESERVED):
        take.event("word", START, number=number)
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
    take.user(frames(1)[0])
    await take.aclose()
    assert not released.is_set()
    released.set()
    take._thread.join(30)


@pytest.mark.parametrize("name", ["manifest.json", "config.yaml", "user.wav", "turns.jsonl"])
def test_nothing_is_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(RecordingError, match=f"it already holds {name}; name another folder"):
        begin(tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


async def test_a_take_is_its_owners(tmp_path):
    take = begin(tmp_path / "take")
    await take.aclose()
    assert (tmp_path / "take").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match=r"cannot record into .*file/take: Not a directory"):
        begin(tmp_path / "file" / "take")
