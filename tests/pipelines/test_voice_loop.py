"""The whole loop against the real embedded services over TLS: a talk, its files, and services killed in mid-turn."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from pipelines.embedded.supervisor import EmbeddedServices
from pipelines.home import home
from pipelines.settings.model import load_settings
from pipelines.talk.program import Options, VoiceLoop
from pipelines.telemetry.ledger import Ledger, Outcome
from pipelines.terminal.display import SilentDisplay

pytestmark = [pytest.mark.services, pytest.mark.timeout(180)]
BITES = sorted((Path(__file__).parents[2] / "pipelines/soundbites").glob("*.wav"))
TOKENS = 100  # of her story: long enough to kill a service in the middle
TIME, STORY = (next(bite for bite in BITES if name in bite.name) for name in ("time", "story"))


def loop(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "SOPHIA_HOME": str(home())}
    return subprocess.run(
        [sys.executable, "-m", "pipelines.voice_loop", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_soundbite_is_heard_answered_and_written_down(tmp_path):
    done = loop(
        *("--soundbite", str(TIME), "--once", "--json", "turns.jsonl", "--reply", "reply.wav", "--record", "take"),
        *("--set", "telemetry.exporter=json", "--set", "telemetry.file=spans.jsonl"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    (turn,) = map(json.loads, (tmp_path / "turns.jsonl").read_text().splitlines())
    assert turn["outcome"] == "replied"
    assert "time" in turn["words"]["user"].lower()
    assert turn["words"]["reply"]
    assert turn["utterance"]["seconds"] > 0.5
    assert sum(turn["contributions"].values()) == pytest.approx(turn["voice_to_voice"], abs=0.002)
    with wave.open(str(tmp_path / "reply.wav")) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    assert np.abs(sound.astype(int)).max() > 3000
    assert {"user.wav", "reply.wav", "events.jsonl", "turns.jsonl", "config.yaml", "manifest.json"} <= {
        path.name for path in (tmp_path / "take").iterdir()
    }
    assert json.loads((tmp_path / "take/manifest.json").read_text())["complete"]
    spans = [json.loads(line) for line in (tmp_path / "spans.jsonl").read_text().splitlines()]
    names = {span["name"] for span in spans}
    conversation = turn["conversation"]
    assert conversation["id"] in {span["attributes"].get("gen_ai.conversation.id") for span in spans}
    assert (conversation["mode"], conversation["language"], conversation["consent"]) == (
        "soundbite",
        "en-US",
        "numbers",
    )
    assert conversation["models"] == {"asr": "embedded", "llm": "nova", "tts": "embedded", "face": "embedded"}
    (taken,) = map(json.loads, (tmp_path / "take/turns.jsonl").read_text().splitlines())
    assert taken["conversation"] == {**conversation, "consent": "sound"}, "who records agrees to it"
    assert taken["words"] == turn["words"]
    assert {"conversation", "turn", "asr", "llm", "tts", "playout"} <= names


def test_ctrl_c_ends_the_talk_within_two_seconds_and_nothing_survives(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "SOPHIA_HOME": str(home())}
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.voice_loop", "--soundbite", str(STORY), "--reply", "reply.wav"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if line.startswith("you: "):
            break
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=2.5)
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    with wave.open(str(tmp_path / "reply.wav")) as file:
        assert file.getframerate() == 22050  # what was written can be read
    assert process.returncode == 0  # a clean end, not the emergency exit


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--config", "none.yaml"], 2, "none.yaml"),
        (["--set", "tts.rat=1"], 2, "did you mean tts.rate"),
        (["--set", "tts.rate=loud"], 2, "tts.rate"),
        (["--set", "tts.rate"], 2, "KEY=VALUE"),
        (["--soundbite", "none.wav"], 2, "none.wav"),
        (["--soundbite", "text.wav"], 2, "text.wav"),
        (["--json", "no/such/folder/turns.jsonl"], 2, "no/such/folder"),
        (["--reply", "no/such/folder/reply.wav"], 2, "no/such/folder"),
    ],
)
def test_mistakes_are_one_clear_line_each(tmp_path, arguments, code, words):
    (tmp_path / "text.wav").write_text("this is no sound at all")
    done = loop(*arguments, cwd=tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert words in said
    assert "Traceback" not in said


def test_a_service_that_is_down_at_the_start_is_named(tmp_path):
    (tmp_path / "down.yaml").write_text(
        "asr: {endpoint: {target: '127.0.0.1:1'}}\n"
        "tts: {endpoint: {target: '127.0.0.1:1'}}\n"
        "llm: {endpoint: {target: '127.0.0.1:1'}}\n"
        "face: {enabled: false}\n"
    )
    done = loop("--config", "down.yaml", "--soundbite", str(TIME), cwd=tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "127.0.0.1:1" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


class Watching(SilentDisplay):
    """Kills a service when something is shown."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.turns: list[Ledger] = []
        self.on_reply = None

    def reply(self, text_so_far: str, heard_chars: int) -> None:
        if self.on_reply and len(text_so_far) > 60:
            kill, self.on_reply = self.on_reply, None
            kill()

    def error(self, failure_line: str, hint: str = "") -> None:
        self.errors.append(failure_line)

    def turn(self, ledger: Ledger) -> None:
        self.turns.append(ledger)


def home_of_its_own(folder: Path) -> Path:
    """What was prepared, with certificates and logs that nobody else writes."""
    made = folder / "home"
    made.mkdir()
    for prepared in ("speech", "triton"):
        (made / prepared).symlink_to(home() / prepared)
    return made


@pytest.mark.side_by_side
@pytest.mark.parametrize("victim", ["triton", "speech", "face"])
async def test_a_service_killed_in_mid_turn_is_reported_and_the_next_turn_works(tmp_path, victim):
    told: list[str] = []
    display = Watching()
    changes = {"llm.token_timeout": "2", "llm.max_tokens": str(TOKENS), "asr.give_up_seconds": "15"}
    settings = load_settings("embedded.yaml", changes, {})
    async with EmbeddedServices(settings, home_of_its_own(tmp_path), told.append) as services:
        display.on_reply = lambda: os.killpg(services.running[victim].process.pid, signal.SIGKILL)
        options = Options("embedded.yaml", soundbites=(STORY, TIME, TIME, TIME), reply=tmp_path / "reply.wav")
        session = VoiceLoop(services.settings.model_copy(update={"embedded": False}), options, display)
        async with asyncio.timeout(150):
            await session.run()
    assert any("started again" in line for line in told)
    # While the ears come back she may ask again; in the end the question is understood.
    story, *later = display.turns
    # A story that was all in the playout, needed no recogniser any more, or was begun anew is told to its end.
    assert story.outcome in (Outcome.REPLIED, Outcome.BROKEN, Outcome.FAILED)
    if victim == "triton" and story.outcome is not Outcome.REPLIED:
        assert "llm" in [fault.service for fault in story.faults]  # a busy machine may be late with her face as well
        assert any("llm" in line for line in display.errors)
    assert any(turn.outcome is Outcome.REPLIED and "time" in turn.user.lower() for turn in later)
