"""The wired graph as a Mermaid flowchart: which source, recogniser, mind, voice, face and sink a conversation joins.

It is drawn from the settings, and from the source and sink that were chosen on the command line. So it shows what would
run. Paste it where Mermaid is rendered, or into https://mermaid.live.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.settings.endpoint import Endpoint
from pipelines.settings.model import Service, Settings

ECHO = {
    "auto": "echo cancelled if the extra 'aec' is installed, else half-duplex",
    "cancel": "echo cancelled (AEC3)",
    "half-duplex": "closed while she speaks",
}
"""What is done to the microphone's sound; nothing for ``off``."""

MINDS = {"triton": "Triton, gRPC", "triton-rest": "Triton, REST", "openai": "OpenAI-compatible"}


@dataclass(frozen=True, slots=True)
class _Node:
    name: str
    lines: tuple[str, ...]
    outside: bool = False  # another process: drawn as a stadium

    def __str__(self) -> str:
        text = "<br/>".join(_escaped(line) for line in self.lines if line)
        left, right = ("([", "])") if self.outside else ("[", "]")
        return f'{self.name}{left}"{text}"{right}'


@dataclass(frozen=True, slots=True)
class _Arrow:
    start: str
    end: str
    what: str
    back: bool = False  # one of the thin wires against the stream

    def __str__(self) -> str:
        return f'{self.start} {"-.->" if self.back else "-->"}|"{_escaped(self.what)}"| {self.end}'


def mermaid(settings: Settings, *, source: str = "", sink: str = "") -> str:
    """The graph of ``settings``. ``source`` and ``sink`` name what stands in for microphone and loudspeaker."""
    rooms = {
        "ears, sophia": list(_ears(settings, source)),
        "mind, nova": list(_mind(settings)),
        "voice, sophia": list(_voice(settings, sink)),
        "face, aurora": list(_face(settings)),
        "page, pipelines/server": list(_page(settings)),
    }
    rows = ["flowchart LR"]
    for number, (title, nodes) in enumerate(rooms.items()):
        if nodes:
            rows += [f'  subgraph room{number}["{title}"]', *(f"    {node}" for node in nodes), "  end"]
    rows += [f"  {arrow}" for arrow in _arrows(settings)]
    return "\n".join(rows) + "\n"


def _ears(settings: Settings, source: str) -> Iterator[_Node]:
    microphone = settings.microphone
    device = "default device" if microphone.device is None else f"device {microphone.device}"
    yield _Node("source", (source,) if source else ("microphone", device))
    if microphone.echo in ECHO:
        yield _Node("echo", (ECHO[microphone.echo],))
    yield _Node("vad", ("voice activity", "Silero", "smart-turn" if settings.turns.sound_veto else ""))
    asr = settings.asr
    yield _Node("asr", ("Riva recognition", asr.language, _place(settings, "asr")), True)
    turns = settings.turns
    yield _Node("turns", ("turn taking", turns.language, "speculates" if turns.speculate else "waits for the endpoint"))


def _mind(settings: Settings) -> Iterator[_Node]:
    llm = settings.llm
    yield _Node("history", ("history", "what was heard"))
    yield _Node("llm", (llm.model, MINDS[llm.backend], _place(settings, "llm")), True)
    yield _Node("clauses", ("clauses",))


def _voice(settings: Settings, sink: str) -> Iterator[_Node]:
    tts, speaker = settings.tts, settings.speaker
    details = (tts.voice or "the server's voice", f"{tts.rate} Hz")
    yield _Node("tts", ("Riva synthesis", *details, _place(settings, "tts")), True)
    yield _Node("playout", ("playout", "gate, fence, sample clock"))
    device = "default device" if speaker.device is None else f"device {speaker.device}"
    yield _Node("sink", (sink,) if sink else ("speaker", device))


def _face(settings: Settings) -> Iterator[_Node]:
    if settings.face.enabled:
        yield _Node("face", ("Audio2Face", _place(settings, "face")), True)
        yield _Node("performer", ("performer", "poses by sample clock, idle life"))


def _page(settings: Settings) -> Iterator[_Node]:
    server = settings.server
    if server.enabled:
        security = "TLS, with a key" if not server.at_home else "TLS" if server.secure else "this machine only"
        yield _Node("page", ("her page", f"{server.host}:{server.port}", security), True)


def _arrows(settings: Settings) -> Iterator[_Arrow]:
    heard = "source"
    if settings.microphone.echo in ECHO:
        yield _Arrow("source", "echo", "20 ms frames")
        heard = "echo"
    yield _Arrow(heard, "vad", "20 ms frames")
    yield _Arrow(heard, "asr", "20 ms frames")
    yield _Arrow("vad", "turns", "voice edges" + (", how ends sound" if settings.turns.sound_veto else ""))
    yield _Arrow("asr", "turns", "partials, finals")
    yield _Arrow("turns", "llm", "start, drop, interrupt")
    yield _Arrow("turns", "playout", "commit, duck, pause, resume")
    yield _Arrow("history", "llm", "messages")
    yield _Arrow("llm", "clauses", "text")
    yield _Arrow("clauses", "tts", "clauses")
    yield _Arrow("tts", "playout", "PCM")
    yield _Arrow("playout", "sink", "samples")
    if settings.face.enabled:
        yield _Arrow("tts", "face", "PCM")
        yield _Arrow("face", "performer", "frames")
        yield _Arrow("playout", "performer", "samples played")
    if settings.server.enabled:
        yield _Arrow("playout", "page", "words, positions")
        if settings.face.enabled:
            yield _Arrow("face", "page", "frames")
    yield _Arrow("playout", "history", "what was heard", back=True)
    if settings.microphone.echo in ECHO:
        yield _Arrow("playout", "echo", "reference", back=True)


def _place(settings: Settings, service: Service) -> str:
    if service in settings.embedded_services:
        return "embedded, started with the loop"
    endpoint: Endpoint = getattr(settings, service).endpoint
    security = "plaintext" if not endpoint.tls.enabled else "mutual TLS" if endpoint.tls.cert else "TLS"
    return f"{endpoint.target}, {security}"


def _escaped(text: str) -> str:
    """``text`` inside Mermaid's quotes: its own entities for what would end them or be taken for markup."""
    for character, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(character, entity)
    return " ".join(text.split())
