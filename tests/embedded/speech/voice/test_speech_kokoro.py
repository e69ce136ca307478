"""The extra speakers, on a network of Kokoro's shape that hums instead of speaking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from pipelines.embedded.speech import prepare
from pipelines.embedded.speech.fetched import KOKORO, place
from pipelines.embedded.speech.voice import kokoro
from pipelines.embedded.speech.voice.engines import open_engine
from pipelines.embedded.speech.voice.hibari import HibariEngine
from pipelines.embedded.speech.voice.kokoro import STYLES, riva_name
from pipelines.embedded.speech.voice.synthesis import SpeechSynthesis
from pipelines.embedded.speech.voice.voices import PLAIN, Manner, Piece, find_voice

BELLA, EMMA = "English-US.Female-Bella", "English-GB.Female-Emma"
SPEAKERS = {name: STYLES[name] for name in ("af_bella", "am_adam", "bf_emma")}


def humming() -> bytes:
    """Each sign is two units long; the first and last are silent. The pitch is the style's first number."""

    def constant(name: str, kind: int, shape: list[int], values: list[float]) -> onnx.TensorProto:
        return helper.make_tensor(name, kind, shape, values)

    node = helper.make_node
    lengths = "/encoder/predictor/ReduceSum_output_0"
    nodes = [
        node("Cast", ["tokens"], ["numbers"], to=TensorProto.FLOAT),
        node("Mul", ["numbers", "nothing"], ["zeros"]),
        node("Add", ["zeros", "two"], ["twos"]),
        node("Squeeze", ["twos", "first"], [lengths]),
        node("Div", [lengths, "speed"], ["paced"]),
        node("Round", ["paced"], ["rounded"]),
        node("ReduceSum", ["rounded"], ["units"], keepdims=0),
        node("Mul", ["units", "samples"], ["end"]),
        node("Range", ["begin", "end", "one"], ["time"]),
        node("Sub", ["time", "lead"], ["behind"]),
        node("Sub", ["end", "tail"], ["stop"]),
        node("Less", ["time", "stop"], ["early"]),
        node("Greater", ["behind", "begin"], ["late"]),
        node("And", ["early", "late"], ["voiced"]),
        node("Cast", ["voiced"], ["envelope"], to=TensorProto.FLOAT),
        node("Gather", ["style", "first"], ["row"], axis=0),
        node("Gather", ["row", "first"], ["pitch"], axis=1),
        node("Squeeze", ["pitch"], ["angle"]),
        node("Mul", ["time", "angle"], ["phase"]),
        node("Sin", ["phase"], ["wave"]),
        node("Mul", ["wave", "envelope"], ["audio"]),
    ]
    real, whole = TensorProto.FLOAT, TensorProto.INT64
    constants = [
        constant("nothing", real, [], [0]), constant("two", real, [], [2]), constant("first", whole, [1], [0]),
        constant("samples", real, [], [600]), constant("begin", real, [], [0]), constant("one", real, [], [1]),
        constant("lead", real, [], [1200]), constant("tail", real, [], [1200]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "humming",
        [
            helper.make_tensor_value_info("tokens", whole, [1, "n"]),
            helper.make_tensor_value_info("style", real, [1, 256]),
            helper.make_tensor_value_info("speed", real, [1]),
        ],
        [helper.make_tensor_value_info("audio", real, ["samples"])],
        constants,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HibariEngine:
    monkeypatch.setattr(kokoro, "_weights", humming)
    monkeypatch.setattr(kokoro, "STYLES", SPEAKERS)
    monkeypatch.setattr(kokoro.Kokoro, "voices", {riva_name(speaker): speaker for speaker in SPEAKERS})
    for at, name in enumerate(SPEAKERS):
        np.full((510, 256), 0.05 + 0.01 * at, "<f4").tofile(tmp_path / f"{name}.bin")
    return HibariEngine(tmp_path)


async def pieces(engine: HibariEngine, voice: str, manner: Manner = PLAIN) -> list[Piece]:
    return [piece async for piece in engine.speak("I can't answer that, Sophia.", voice, manner)]


async def test_a_speaker_is_trimmed_levelled_and_has_times(engine: HibariEngine) -> None:
    first, *rest = await pieces(engine, BELLA)
    told = first.timeline
    assert told is not None
    assert all(piece.timeline is None for piece in rest)
    assert all(len(piece.pcm) <= 0.25 * engine.rate for piece in [first, *rest])
    sound = np.concatenate([piece.pcm for piece in [first, *rest]]).astype(float)
    assert told.phones[-1].end == pytest.approx(len(sound) / engine.rate)
    assert told.words == ("I", "can't", "answer", "that", "Sophia")
    audible = np.flatnonzero(np.abs(sound) > 300) / engine.rate
    assert 0.01 < audible[0] < 0.05
    said = sound[round(audible[0] * engine.rate) : round(audible[-1] * engine.rate)]
    assert 10 * np.log10(np.mean(said**2) / 32768**2) == pytest.approx(-18, abs=0.5)


async def test_rate_and_volume_are_heeded_and_pitch_is_left_out(engine: HibariEngine) -> None:
    usual, fast, soft = [
        np.concatenate([piece.pcm for piece in await pieces(engine, BELLA, manner)])
        for manner in (PLAIN, Manner(rate=2.0), Manner(gain=-6.0))
    ]
    assert len(usual) / len(fast) == pytest.approx(2.0, rel=0.2)
    assert np.std(soft.astype(float)) == pytest.approx(np.std(usual.astype(float)) / 2, rel=0.05)
    assert engine.beyond(BELLA, Manner(pitch=20.0)) == ["pitch"]
    assert engine.beyond(BELLA, Manner(rate=2.5, pitch=20.0)) == ["its rate beyond 200%", "pitch"]
    assert engine.beyond(BELLA, PLAIN) == engine.beyond("English-US.Female-1", Manner(pitch=20.0)) == []


async def test_the_british_read_in_their_own_way(engine: HibariEngine) -> None:
    said = {voice: {p.name for p in told.phones} for voice in (BELLA, EMMA) if (told := await times(engine, voice))}
    assert "ɑ" not in said[BELLA]
    assert "ɑ" in said[EMMA]


async def times(engine: HibariEngine, voice: str) -> Any:
    return (await pieces(engine, voice))[0].timeline


async def test_families_are_listed_and_found(engine: HibariEngine) -> None:
    from riva.client.proto import riva_tts_pb2 as pb

    answer = await SpeechSynthesis(engine).GetRivaSynthesisConfig(pb.RivaSynthesisConfigRequest(), None)
    listed = {entry.parameters["voice_name"]: dict(entry.parameters) for entry in answer.model_config}
    assert listed["English-US"]["subvoices"] == "Female-1:0,Male-1:1,Male-2:2,Female-Bella:3,Male-Adam:4"
    assert listed["English-GB"] == {
        "voice_name": "English-GB", "subvoices": "Female-Emma:5", "language_code": "en-GB", "sample_rate": "24000",
    }  # fmt: skip
    assert find_voice(engine, "english-gb-female-emma") == EMMA
    assert find_voice(engine, "Magpie-Multilingual.EN-US.Leo") == "English-US.Male-1"
    assert find_voice(engine, "") == "English-US.Female-1"


def test_every_speaker_has_a_name_of_its_own() -> None:
    assert len({riva_name(speaker) for speaker in STYLES}) == len(STYLES) == 28
    assert riva_name("am_puck") == "English-US.Male-Puck"


def test_other_weights_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Found:
        origin = str(tmp_path / "__init__.py")

    (tmp_path / "part.bin").write_bytes(b"other")
    monkeypatch.setattr(kokoro, "find_spec", lambda part: Found())
    with pytest.raises(RuntimeError, match="not the Kokoro that was tried"):
        kokoro.Kokoro(tmp_path, {})
    assert list(open_engine(styles=tmp_path).voices) == list(HibariEngine.voices)
    assert "Kokoro's speakers are left out: the extra voices is not" in capsys.readouterr().err


def test_speakers_are_fetched_only_with_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(prepare, "install_libraries", lambda report, libraries: None)
    monkeypatch.setattr(prepare, "is_whole", lambda packed, folder: packed is not KOKORO)
    monkeypatch.setattr(prepare, "fetch", lambda packed, home: asked.append(packed.name))
    for there in (False, True):
        monkeypatch.setattr(kokoro, "is_installed", lambda there=there: there)
        prepare.prepare(tmp_path, lambda line: None)
        assert asked == (["kokoro-styles"] if there else [])
        assert prepare.prepared_styles(tmp_path) is None
    place(KOKORO, tmp_path).mkdir(parents=True)
    for name in KOKORO.files:
        (place(KOKORO, tmp_path) / name).touch()
    assert prepare.prepared_styles(tmp_path) == place(KOKORO, tmp_path)
