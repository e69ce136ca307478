"""Bad days on the real wire: every session ends or goes on with one clear line for each failure, and an exit code.

The services are simulated, TLS, gRPC, the clients and the whole session are real. Services that are killed are in
``test_voice_loop.py``, where real ones run; failures without a wire in ``test_bad_days.py``, on a virtual clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import ssl
import sys
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab import ANSWER, HEARD, Lab, config, serving

from pipelines.conversation import replies
from pipelines.home import home
from pipelines.settings.model import load_settings
from pipelines.talk import devices
from pipelines.talk.program import Options, VoiceLoop
from pipelines.telemetry.ledger import Ledger, Outcome
from pipelines.terminal.display import SilentDisplay
from pipelines.voice_loop import main
from sophia.audio import Frame
from sophia.microphone import MicrophoneLost
from sophia.playout import Playout
from sophia.sinks import NullSink, SinkError, SinkStalled
from sophia.wav import read_wav

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]
ROOT = Path(__file__).parents[2]
QUESTION = next((ROOT / "pipelines/soundbites").glob("*what_time.wav"))
SERVICES = ("asr", "llm", "tts", "face")


@pytest.fixture(scope="module", autouse=True)
def _patient_with_the_face() -> Iterator[None]:
    """Frames that come late are told in ``test_face_show.py``, on a virtual clock; here the machine may be busy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replies, "MISSING_LIMIT", 1.0)
        yield


@dataclass
class Told(SilentDisplay):
    """What a user was told."""

    errors: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    turns: list[Ledger] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def error(self, failure_line: str, hint: str = "") -> None:
        self.errors.append(f"{failure_line} {hint}".strip())

    def notice(self, line: str) -> None:
        if line != "She is listening.":
            self.notices.append(line)

    def final(self, text: str) -> None:
        self.texts.append(text)

    def turn(self, ledger: Ledger) -> None:
        self.turns.append(ledger)


async def hold(config: Path, *bites: Path, **options: Any) -> tuple[int, Told]:
    """A session with these soundbites: its exit code, and what was told."""
    told = Told()
    settings = load_settings(config, {}, {})
    async with asyncio.timeout(90):
        code = await VoiceLoop(settings, Options("lab.yaml", bites or (QUESTION,), **options), told).run()
    for line in (*told.errors, *told.notices):
        assert line.isprintable()
        assert "Traceback" not in line
        assert "defect" not in line
    return code, told


async def hold_in_lab(lab: Lab, tmp_path: Path, pki: Path, *bites: Path, **options: Any) -> tuple[int, Told]:
    async with serving(lab, pki) as port:
        return await hold(config(tmp_path, pki, dict.fromkeys(SERVICES, port)), *bites, **options)


def loud_seconds(wav: Path) -> float:
    """How long the file sounds."""
    with wave.open(str(wav)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        blocks = pcm[: len(pcm) // 220 * 220].reshape(-1, 220)
        return float(np.count_nonzero(np.abs(blocks.astype(int)).max(axis=1) > 500)) * 220 / file.getframerate()


@pytest.mark.side_by_side
async def test_on_a_good_day_nothing_is_told(tmp_path: Path, pki: Path) -> None:
    code, told = await hold_in_lab(Lab(), tmp_path, pki, reply=tmp_path / "reply.wav")
    assert (code, told.errors) == (0, [])
    assert [ledger.outcome for ledger in told.turns] == [Outcome.REPLIED]
    assert told.turns[0].faults == []
    assert loud_seconds(tmp_path / "reply.wav") > 0.9


# At the start


@asynccontextmanager
async def black_hole(kind: str, pki: Path) -> AsyncIterator[int]:
    """A port that accepts and never answers: not even the handshake ("tcp"), or nothing after it ("tls")."""
    held: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        with contextlib.suppress(ConnectionError):
            while await reader.read(4096):
                pass

    context = None
    if kind == "tls":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pki / "server.crt", pki / "server.key")
        context.set_alpn_protocols(["h2"])
    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in held:
            writer.close()


@pytest.mark.side_by_side
@pytest.mark.parametrize("kind", ["tcp", "tls"])
@pytest.mark.parametrize("service", SERVICES)
async def test_a_port_that_never_answers_at_the_start(tmp_path: Path, pki: Path, service: str, kind: str) -> None:
    async with serving(Lab(), pki) as port, black_hole(kind, pki) as hole:
        code, told = await hold(config(tmp_path, pki, {**dict.fromkeys(SERVICES, port), service: hole}))
    (line,) = told.errors
    assert f"The {service} at localhost:{hole} does not answer in time." in line
    if service == "face":
        assert code == 0
        assert "She goes on without a face." in line
        assert told.turns[0].outcome is Outcome.REPLIED
    else:
        assert code == 3
        assert told.turns == []


@pytest.mark.side_by_side
@pytest.mark.parametrize(
    ("service", "does"),
    [("asr", "hangs"), ("llm", "hangs"), ("llm", "hangs at once"), ("tts", "hangs at once")],
)
async def test_a_service_that_accepts_calls_and_never_answers_at_the_start(
    tmp_path: Path, pki: Path, service: str, does: str
) -> None:
    code, told = await hold_in_lab(Lab({service: does}, turns=(0,)), tmp_path, pki)
    assert code in (3, 5)
    assert len(told.errors) == 1
    assert told.turns == []


@dataclass(frozen=True)
class Trust:
    """How the lab is secured, and what comes of it."""

    serves: str
    code: int
    says: str
    do: str


@pytest.mark.side_by_side
@pytest.mark.parametrize(
    "trust",
    [
        Trust("other_pki", 4, "shows a certificate that tls.ca does not vouch for", "Set tls.ca"),
        Trust("expired_pki", 4, "shows a certificate that has expired", "Renew"),
        Trust("plaintext", 4, "does not speak TLS on this port", "Turn TLS on"),
        Trust("nothing", 3, "is down: nothing answers on this port", "Start it"),
    ],
    ids=lambda trust: trust.serves,
)
async def test_a_lab_that_cannot_be_trusted_or_reached_is_one_line(
    tmp_path: Path, pki: Path, other_pki: Path, expired_pki: Path, trust: Trust
) -> None:
    """As a user would see it: the program itself, its output, its exit code."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        folders = {"other_pki": other_pki, "expired_pki": expired_pki}
        async with serving(Lab(), folders.get(trust.serves)) as port:
            asked = taken.getsockname()[1] if trust.serves == "nothing" else port
            made = config(tmp_path, pki, dict.fromkeys(SERVICES, asked))
            code, output, errors = await voice_loop("--config", str(made), "--soundbite", str(QUESTION), cwd=tmp_path)
    assert code == trust.code, output + errors
    assert errors == ""
    line, hint = output.splitlines()
    assert line.startswith(f"error: The asr at localhost:{asked} {trust.says}")
    assert trust.do in hint


async def voice_loop(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    """Runs the program: exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pipelines.voice_loop", *arguments),
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SOPHIA_HOME": str(home())},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode(), errors.decode()


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


# Files


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """What a full disk does, done by the kernel: a write past ``size`` bytes of any file fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


async def test_a_disk_that_fills_up_ends_the_recording_not_the_talk_and_keeps_what_was_written(
    tmp_path: Path, pki: Path
) -> None:
    take = tmp_path / "take"
    with files_no_larger_than(64 << 10):  # 2 s of the user's sound
        code, told = await hold_in_lab(Lab(), tmp_path, pki, QUESTION, QUESTION, record=take)
    assert code == 6
    (line,) = told.errors
    assert line.startswith("Recording stopped, the conversation goes on: File too large")
    assert [ledger.outcome for ledger in told.turns] == [Outcome.REPLIED] * 2
    assert 1.0 < read_wav(take / "user.wav").seconds <= 2.05
    assert not json.loads((take / "manifest.json").read_text())["complete"]
    assert (take / "events.jsonl").read_text().startswith("{")


async def test_a_disk_that_fills_up_under_her_voice_ends_the_file_not_the_talk(tmp_path: Path, pki: Path) -> None:
    reply = tmp_path / "reply.wav"
    with files_no_larger_than(64 << 10):  # 1.5 s of her voice
        code, told = await hold_in_lab(Lab(), tmp_path, pki, QUESTION, QUESTION, reply=reply)
    assert code == 6
    (line,) = told.errors
    assert "what was written before is kept" in line
    assert [ledger.outcome for ledger in told.turns] == [Outcome.REPLIED] * 2
    assert 1.0 <= read_wav(reply).seconds <= 1.55


@pytest.mark.side_by_side
@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
async def test_a_full_device_under_the_ledgers_is_told_once(tmp_path: Path, pki: Path) -> None:
    code, told = await hold_in_lab(Lab(), tmp_path, pki, QUESTION, QUESTION, json=Path("/dev/full"))
    assert code == 6
    assert told.errors == ["The ledgers cannot be written: No space left on device. What was written before is kept."]
    assert [ledger.outcome for ledger in told.turns] == [Outcome.REPLIED] * 2


# What comes in: sound and settings


def write_wav(path: Path, pcm: np.ndarray[Any, Any], rate: int, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(pcm.itemsize)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
    return path


@pytest.mark.side_by_side
async def test_soundbites_of_any_make_are_heard_and_a_truncated_one_is_pointed_out(tmp_path: Path, pki: Path) -> None:
    sound = read_wav(QUESTION)
    at_44100 = read_wav(QUESTION, 44_100).pcm
    cut = tmp_path / "cut.wav"
    cut.write_bytes(QUESTION.read_bytes()[: QUESTION.stat().st_size * 9 // 10])
    bites = (
        write_wav(tmp_path / "stereo.wav", np.repeat(sound.pcm, 2), sound.rate, channels=2),
        write_wav(tmp_path / "8_bit.wav", ((sound.pcm >> 8) + 128).astype(np.uint8), sound.rate),
        write_wav(tmp_path / "44100.wav", at_44100, 44_100),
        cut,
    )
    code, told = await hold_in_lab(Lab(), tmp_path, pki, *bites)
    assert (code, told.errors) == (0, [])
    assert [ledger.outcome for ledger in told.turns] == [Outcome.REPLIED] * 4
    assert len([line for line in told.notices if line.startswith("cut.wav: cut short: ")]) == 1


@pytest.mark.side_by_side
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.wav", b"", "is empty."),
        ("header.wav", QUESTION.read_bytes()[:44], "holds no sound."),
        ("stub.wav", QUESTION.read_bytes()[:30], "has a format that is cut short."),
        ("song.mp3", b"ID3\x04" + bytes(2000), "is not a WAV file."),
        ("none.wav", None, "cannot be read (No such file or directory)."),
        (".", None, "is not a file."),
    ],
)
async def test_a_soundbite_that_cannot_be_played_is_told_before_anything_starts(
    tmp_path: Path, pki: Path, name: str, content: bytes | None, says: str
) -> None:
    bite = tmp_path / name
    if content is not None:
        bite.write_bytes(content)
    nowhere = config(tmp_path, pki, dict.fromkeys(SERVICES, 1))  # any service that were asked would be told, too
    code, told = await hold(nowhere, QUESTION, bite)
    assert code == 2
    (line,) = told.errors
    assert line.startswith(f"{bite} {says} ")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"tts: {rate: [\n- \t: }", ":2:1: this is not YAML: "),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "is not a text file"),
        (b"just words", "settings are a mapping of sections"),
        (b"tts: {rate: fast}", "tts.rate"),
        (b"tts: {rat: 16000}", "did you mean tts.rate?"),
    ],
)
def test_settings_that_are_none_are_one_line_and_nothing_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, says: str
) -> None:
    (tmp_path / "lab.yaml").write_bytes(content)
    assert main(["--config", str(tmp_path / "lab.yaml")]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert "lab.yaml" in line
    assert says in line


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
