"""The peers: what each needs from PyPI, in an environment of its own, and how it is run."""

from __future__ import annotations

import json
import shutil
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

from pipelines.home import home

HERE = Path(__file__).parent

HUB = '''"""Silero's model as its package on PyPI has it, where torch.hub would fetch it from GitHub."""
from silero_vad import load_silero_vad


def silero_vad(**options):
    return load_silero_vad(), None
'''
"""Of speech-to-speech, which asks torch.hub for its detector."""

PUNKT = ("abbrev_types.txt", "collocations.tab", "ortho_context.tab", "sent_starters.txt")
"""Of NLTK's sentence tokenizer; empty ones know no abbreviation, and there is none in the scene."""


@dataclass(frozen=True)
class Peer:
    """One of them. ``bare`` are packages without what they depend on, most of which is for models not used here."""

    needs: tuple[str, ...]
    bare: tuple[str, ...] = ()
    dialect: str = "realtime"


OF_PIPECAT = ("pipecat-ai[websocket,silero,openai,local-smart-turn-v3]==1.14.0", "uvicorn[standard]", "uvloop")
OF_S2S = (
    *("torch==2.13.0", "transformers>=5.18,<6", "onnxruntime", "packaging", "scipy", "soxr", "sounddevice", "pillow"),
    *("nltk", "lingua-language-detector", "openai==2.28.0", "httpx", "requests", "jsonschema", "PyYAML", "rich"),
    *("fastapi", "uvicorn[standard]", "uvloop"),
)

PEERS = {
    "pipecat": Peer(OF_PIPECAT, dialect="raw"),
    "speech-to-speech": Peer(OF_S2S, bare=("speech-to-speech==1.1.0", "silero-vad==6.2.3")),
}


def folder(name: str) -> Path:
    """Where its environment is."""
    return home() / "peers" / name


def make(name: str) -> None:
    """Makes its environment, where there is none. Raises ``CalledProcessError`` and ``OSError``."""
    peer, made = PEERS[name], folder(name) / "made.json"
    if made.is_file() and json.loads(made.read_text()) == [*peer.needs, *peer.bare]:
        return
    shutil.rmtree(folder(name), ignore_errors=True)
    venv.create(folder(name), with_pip=True)
    install = [str(folder(name) / "bin/python"), "-m", "pip", "install", "-qq"]
    subprocess.run([*install, *peer.needs], check=True)
    if peer.bare:
        subprocess.run([*install, "--no-deps", *peer.bare], check=True)
    made.write_text(json.dumps([*peer.needs, *peer.bare]))


def command(name: str, port: int, lab: str, sessions: int) -> tuple[list[str], dict[str, str]]:
    """How it is run, and what it needs in its environment beside ours."""
    python = str(folder(name) / "bin/python")
    if name == "pipecat":
        return [python, str(HERE / "pipecat_server.py"), "--port", str(port), "--lab", lab], {}
    data = folder(name) / "data"
    hub = data / "hub/snakers4_silero-vad_master"
    hub.mkdir(parents=True, exist_ok=True)
    (hub / "hubconf.py").write_text(HUB)
    punkt = data / "tokenizers/punkt_tab/english"
    punkt.mkdir(parents=True, exist_ok=True)
    for file in PUNKT:
        (punkt / file).touch()
    options = {
        "port": port,
        "num_pipelines": sessions,
        "log_level": "error",
        "device": "cpu",
        "stt": "openai",
        "openai_stt_base_url": lab,
        "openai_stt_api_key": "none",
        "openai_stt_model": "simulated",
        "llm_backend": "chat-completions",
        "responses_api_base_url": lab,
        "responses_api_api_key": "none",
        "model_name": "simulated",
        "tts": "openai",
        "openai_tts_base_url": lab,
        "openai_tts_api_key": "none",
        "openai_tts_stream": "true",
    }
    smart_turn = next(
        folder("pipecat").glob("lib/python*/site-packages/pipecat/audio/turn/smart_turn/data/*.onnx"), None
    )
    options |= {"smart_turn_model_path": smart_turn} if smart_turn else {"no_smart_turn": ""}
    words = [word for key, value in options.items() for word in (f"--{key}", str(value)) if word]
    return [str(folder(name) / "bin/speech-to-speech"), "serve", *words], {
        "TORCH_HOME": str(data),
        "NLTK_DATA": str(data),
        "HF_HUB_OFFLINE": "1",
    }
