"""Folders, manifests and single files become scenarios; what cannot be played says so in one line."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading_sounds import buzz, silence, sound, write

from pipelines.scenarios.loading import load_scenario
from pipelines.scenarios.rendering import NOISE_LEAD, NOISE_TAIL
from pipelines.scenarios.scenario import Cue, Scenario, ScenarioError
from sophia.audio import EAR_RATE

VOICE = sound(0.2, 1.0, 0.3)


def wrong(source: str | Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(source)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("10.wav", "2.wav", "1.wav"):
        write(tmp_path / "bites" / name, VOICE)
    return tmp_path / "bites"


def with_manifest(folder: Path, text: str, name: str = "manifest.csv") -> Scenario:
    (folder / name).write_text(text, encoding="utf-8")
    return load_scenario(folder)


# Folders and files


def test_a_folder_is_one_talk_in_the_order_people_count(folder: Path) -> None:
    (folder / "readme.txt").write_text("not a sound")
    (folder / "._1.wav").write_bytes(b"left by a file system")
    scenario = load_scenario(folder)
    assert [line.name for talk in scenario.talks for line in talk.lines] == ["1", "2", "10"]
    assert scenario.name == scenario.talks[0].name == "bites"
    first = scenario.talks[0].lines[0]
    assert np.array_equal(first.pcm, VOICE)
    assert first.voiced == (round(0.2 * EAR_RATE), round(1.2 * EAR_RATE))
    assert (first.cue, first.reaction, first.transcript, first.words) == (Cue("reply", 1.0), "reply", None, ())
    assert scenario.notes == ()


def test_a_single_file_is_a_scenario(folder: Path) -> None:
    scenario = load_scenario(str(folder / "2.wav"))
    assert (scenario.name, scenario.lines, scenario.talks[0].lines[0].name) == ("2", 1, "2")


def test_the_same_source_is_the_same_scenario(folder: Path) -> None:
    text = "file,noise,transcript\n1.wav,pink:15,one\n2.wav,white:20,two\n"
    first = with_manifest(folder, text)
    assert load_scenario(folder).fingerprint == first.fingerprint
    assert with_manifest(folder, text.replace("pink:15", "pink:14")).fingerprint != first.fingerprint


def test_conversions_are_noted(tmp_path: Path) -> None:
    stereo = np.repeat(buzz(1.0), 2)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(stereo.astype("<i2").tobytes())
    notes = load_scenario(tmp_path / "a.wav").notes
    assert notes[:2] == ("a.wav: resampled from 44100 Hz", "a.wav: 2 channels made one")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("text.wav", b"I am no sound at all", "text.wav is not a WAV file; convert it"),
        ("empty.wav", b"", "empty.wav is empty; record it again"),
        ("none.wav", None, "none.wav holds no sound"),
        ("silent.wav", silence(1.0), "silent is silent; record it again, or write reaction: ignore"),
    ],
)
def test_absurd_files(tmp_path: Path, name: str, content: bytes | np.ndarray | None, told: str) -> None:
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        write(tmp_path / name, silence(0) if content is None else content)
    assert told in wrong(tmp_path / name)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(700, "long.wav is 700 s long; cut it to 600 s or less"), (10 * 3600, "long.wav has 1098 MiB, more than 256")],
)
def test_a_file_of_hours_is_refused_by_its_size(tmp_path: Path, seconds: int, told: str) -> None:
    path = write(tmp_path / "long.wav", silence(0))
    header = bytearray(path.read_bytes())
    size = 2 * EAR_RATE * seconds
    header[40:44] = size.to_bytes(4, "little")
    with path.open("wb") as file:
        file.write(header)
        file.truncate(44 + size)  # sparse: takes no room
    assert told in wrong(path)


def test_every_mistake_of_a_folder_is_told_at_once(folder: Path) -> None:
    (folder / "1.wav").write_text("no")
    (folder / "10.wav").write_bytes(b"")
    message = wrong(folder)
    assert "1.wav is not a WAV file" in message
    assert "10.wav is empty" in message
    assert "2.wav" not in message


def test_what_is_not_there(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    assert "holds no WAV file; put WAV files into it" in wrong(tmp_path / "nothing")
    assert f"did you mean {folder}?" in wrong(tmp_path / "bite")
    assert "name a folder, a WAV file, a script (*.yaml) or bundled" in wrong(tmp_path / "xyz")
    (tmp_path / "song.mp3").write_bytes(b"ID3")
    assert "neither a folder, a WAV file nor a script" in wrong(tmp_path / "song.mp3")
    (tmp_path / "nothing" / "talk.yaml").write_text("lines: []")
    assert "name one of its scripts" in wrong(tmp_path / "nothing")
    with pytest.raises(ScenarioError):
        load_scenario(tmp_path / ("x" * 300))


# Manifests


def test_a_manifest_tells_all_about_its_lines(folder: Path) -> None:
    scenario = with_manifest(
        folder,
        "file,transcript,expect,pause,over,gap,reaction,talk,name\n"
        '2.wav,"What is 17 times 23?","391|three hundred",0.5,,,,sums,asks\n'
        "1.wav,mhm,,,1.5,,ignore,sums,\n"
        "10.wav,,,,,-0.5,,sums,\n"
        "1.wav,,,,,,,other,\n",
    )
    sums, other = scenario.talks
    assert (sums.name, other.name, len(other.lines)) == ("sums", "other", 1)
    asks, mhm, ten = sums.lines
    assert (asks.name, asks.transcript, asks.expect) == ("asks", "What is 17 times 23?", "391|three hundred")
    assert [word.text for word in asks.words] == ["What", "is", "17", "times", "23?"]
    assert [line.cue for line in sums.lines] == [Cue("reply", 0.5), Cue("over", 1.5), Cue("gap", -0.5)]
    assert (mhm.reaction, ten.reaction) == ("ignore", "reply")


@pytest.mark.parametrize(
    "text",
    [
        "\ufefffile;transcript\r\n2.wav;two\r\n\r\n",
        "file\ttranscript\n2.wav\ttwo\n",
        "transcript,file,seconds,source,sample_rate_hz,channels\ntwo,2.wav,1.5,me,16000,1\n",
    ],
)
def test_manifests_as_spreadsheets_write_them(folder: Path, text: str) -> None:
    scenario = with_manifest(folder, text)
    assert [(line.name, line.transcript) for line in scenario.talks[0].lines] == [("2", "two")]
    assert scenario.notes == ("not in manifest.csv and not played: 1.wav, 10.wav",)


def test_a_manifest_in_yaml(folder: Path) -> None:
    scenario = with_manifest(folder, "lines:\n  - {file: 2.wav, pause: 2}\n  - file: 1.wav\n", "manifest.yaml")
    assert [(line.name, line.cue.seconds) for line in scenario.talks[0].lines] == [("2", 2.0), ("1", 1.0)]
    assert load_scenario(folder / "manifest.yaml").fingerprint == scenario.fingerprint
    (folder / "manifest.csv").write_text("file\n1.wav\n")
    assert "holds manifest.csv and manifest.yaml; keep one" in wrong(folder)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("file,trancript\n1.wav,x\n", "manifest.csv:1: unknown column 'trancript'; did you mean transcript?"),
        ("file,qqqq\n1.wav,x\n", "unknown column 'qqqq'; there are file, "),
        ("transcript\nx\n", "manifest.csv:1: the column file is missing"),
        ("file,file\n1.wav,1.wav\n", "the column 'file' is there twice"),
        ("file\n", "names no file"),
        ("", "the column file is missing"),
        ("file,pause\n1.wav,soon\n", "manifest.csv:2: pause = 'soon' must be a number from 0 to 600"),
        ("file,pause\n1.wav,nan\n", "manifest.csv:2: pause"),
        ("file,pause\n1.wav,-1\n", "manifest.csv:2: pause = '-1' must be a number from 0 to 600"),
        ("file,expect\n1.wav,(a\n", "manifest.csv:2: expect = '(a': it is no regular expression: missing )"),
        ("file,reaction\n1.wav,shout\n", "manifest.csv:2: reaction = 'shout' must be one of reply, ignore"),
        ("file,noise\n1.wav,brown:10\n", "manifest.csv:2: noise = 'brown:10': write white:20, pink:15 or file.wav:10"),
        ("file,noise\n1.wav,pink:99\n", "manifest.csv:2: noise = 'pink:99': 99 dB is not from -20 to 60"),
        ("file,noise\n1.wav,fan.wav:9\n", "manifest.csv:2: fan.wav is not there; check the name"),
        ("file,language\n1.wav,English\n", "manifest.csv:2: language = 'English': write a language like en-US"),
        ("file,pause,over\n1.wav,1,2\n", "manifest.csv:2: pause and over disagree about when it is said; keep one"),
        ("file\n11.wav\n", "manifest.csv:2: 11.wav is not there; did you mean 1.wav?"),
        ("file,transcript\n,hello\n", "manifest.csv:2: file is missing"),
        ("file,transcript\n1.wav,one, two\n", "manifest.csv:2: there are 3 cells for 2 columns; quote the commas"),
        ('file,transcript\n1.wav,"open\n', "this is not CSV: unexpected end of data"),
        ('file,transcript\n1.wav,"a\nb"\n9.wav,x\n', "manifest.csv:4: 9.wav is not there"),
    ],
)
def test_mistakes_in_a_manifest_name_line_and_column(folder: Path, text: str, told: str) -> None:
    (folder / "manifest.csv").write_text(text)
    assert told in wrong(folder)


def test_all_mistakes_of_a_manifest_are_told_up_to_a_limit(folder: Path) -> None:
    rows = "".join(f"1.wav,{pause}\n" for pause in ["x"] * 10)
    (folder / "manifest.csv").write_text(f"file,pause\n{rows}")
    message = wrong(folder)
    assert "manifest.csv:2:" in message
    assert "manifest.csv:9:" in message
    assert message.endswith("and 2 more")


def test_a_manifest_that_is_no_text(folder: Path) -> None:
    (folder / "manifest.csv").write_bytes(b"file\n\xff\xfe.wav\n")
    assert "is not a text file: byte 5 is not UTF-8" in wrong(folder)
    (folder / "manifest.csv").write_bytes(b"file\n" + b"1.wav\n" * 200_000)
    assert "is larger than 1 MiB" in wrong(folder)


def test_mistakes_in_a_yaml_manifest(folder: Path) -> None:
    (folder / "manifest.yaml").write_text("lines:\n  - file: 1.wav\n    puase: 1\n  - {file: 2.wav, over: x}\n  - 3\n")
    message = wrong(folder)
    assert "manifest.yaml:2: unknown column 'puase'; did you mean pause?" in message
    assert "manifest.yaml:5: a line is a mapping" in message
    (folder / "manifest.yaml").write_text("- file: 1.wav\n")
    assert "settings are a mapping" in wrong(folder)
    (folder / "manifest.yaml").write_text("files: [1.wav]\n")
    assert "a list under the one key lines" in wrong(folder)


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet='file,transcipovgn"\n\r;\t1.wav:-|[]\x00\x1bé ', max_size=120))
def test_no_manifest_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    if not folder.exists():
        write(folder / "1.wav", VOICE)
    (folder / "manifest.csv").write_text("file,transcript,noise,talk\n" + text, encoding="utf-8", newline="")
    outcome: Scenario | str
    try:
        outcome = load_scenario(folder)
    except ScenarioError as error:
        outcome = str(error)
    assert "\n" not in outcome if isinstance(outcome, str) else outcome.lines > 0


def test_nothing_that_a_terminal_would_obey_gets_through(folder: Path) -> None:
    write(folder / "\x1b[2J.wav", VOICE)
    text = "file,name,transcript,talk\n1.wav,a\x1b[31m,one\x07 two,t\x1b\n\x1b[2J.wav,,,\x1b\n"
    scenario = with_manifest(folder, text)
    texts = [part for talk in scenario.talks for line in talk.lines for part in (talk.name, line.name, line.transcript)]
    assert texts == ["t", "a [31m", "one two", "bites", "[2J", None]
    assert all(note.isprintable() for note in scenario.notes)
    (folder / "manifest.csv").write_text("file\n\x1b[2K.wav\n")
    assert wrong(folder).isprintable()


# Noise, level, language


def test_noise_surrounds_its_line_and_cues_still_count_between_voices(folder: Path) -> None:
    quiet, noisy, last = (
        with_manifest(folder, "file,noise,gap,transcript\n1.wav,,,one\n2.wav,white:20,0.5,two\n10.wav,,0.25,ten\n")
        .talks[0]
        .lines
    )
    assert quiet.voiced is not None
    assert noisy.voiced is not None
    shift = round(NOISE_LEAD * EAR_RATE)
    assert noisy.voiced == (quiet.voiced[0] + shift, quiet.voiced[1] + shift)
    assert noisy.seconds == pytest.approx(quiet.seconds + NOISE_LEAD + NOISE_TAIL)
    assert noisy.words[0].start == pytest.approx(quiet.words[0].start + NOISE_LEAD)
    assert noisy.pcm[: shift // 2].any()
    assert noisy.pcm[-EAR_RATE // 2 :].any()
    assert noisy.cue == Cue("gap", pytest.approx(0.5 - NOISE_LEAD))
    assert last.cue == Cue("gap", pytest.approx(0.25 - NOISE_TAIL))
    hiss = noisy.pcm[3000:shift].astype(float)
    voice = VOICE[quiet.voiced[0] : quiet.voiced[1]].astype(float)
    assert 10 * np.log10(np.mean(voice**2) / np.mean(hiss**2)) == pytest.approx(20, abs=0.5)


def test_noise_never_comes_before_its_cue_allows(folder: Path) -> None:
    line = with_manifest(folder, "file,noise,over\n2.wav,white:20,0.1\n").talks[0].lines[0]
    assert line.cue == Cue("over", pytest.approx(0.0))
    assert line.voiced == (round(0.3 * EAR_RATE), round(1.3 * EAR_RATE))


def test_noise_from_a_file(folder: Path) -> None:
    write(folder / "fan.wav", np.random.default_rng(1).normal(0, 500, EAR_RATE).astype(np.int16))
    scenario = with_manifest(folder, "file,noise\n1.wav,fan.wav:10\n2.wav,\n10.wav,\n")
    assert scenario.talks[0].lines[0].pcm[:3000].any()
    assert scenario.notes == (), "a background is not a line that was forgotten"
    write(folder / "fan.wav", silence(1.0))
    assert "manifest.csv:2: noise fan.wav is silent" in wrong(folder)


def test_a_line_that_wants_no_reply_may_be_without_a_voice(folder: Path) -> None:
    write(folder / "1.wav", silence(1.0))
    line = with_manifest(folder, "file,reaction\n1.wav,ignore\n").talks[0].lines[0]
    assert line.voiced is None


def test_a_level_is_decibels(folder: Path) -> None:
    scenario = with_manifest(folder, "file,level\n1.wav,-20\n2.wav,40\n")
    quiet, loud = scenario.talks[0].lines
    assert int(quiet.pcm.max()) == pytest.approx(int(VOICE.max()) / 10, abs=1)
    assert quiet.voiced == loud.voiced
    assert "2: +40 dB is louder than 16 bits hold; it is clipped" in scenario.notes


def test_another_language_is_played_and_noted(folder: Path) -> None:
    (folder / "manifest.csv").write_text("file,language\n1.wav,de-DE\n2.wav,en-GB\n10.wav,\n")
    scenario = load_scenario(folder, language="en-US")
    assert scenario.lines == 3
    assert scenario.notes == ("1 is said in de-DE, but the loop listens for en-US",)
    assert len(load_scenario(folder, language="de-DE").notes) == 1


def test_more_sound_than_anybody_wants(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.scenarios.rendering.MOST_SECONDS", 3.6)
    assert "hours of sound; name less" in wrong(folder)
