"""Scripted conversations: what is written is what is said, and mistakes name their line."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loading_sounds import buzz, silence, sound, write

from pipelines.embedded.speech.voice.voices import PLAIN, Manner, Piece, Timeline
from pipelines.scenarios import speech as marked
from pipelines.scenarios.loading import load_scenario
from pipelines.scenarios.room import speech_level
from pipelines.scenarios.scenario import Cue, Scenario, ScenarioError
from pipelines.scenarios.spec import LineSpec, TalkSpec
from pipelines.scenarios.speech import CannotSay, Saying, parse, say
from pipelines.scenarios.voiced import find_voice
from sophia.audio import EAR_RATE

VOICE = sound(0.2, 1.0, 0.3)
DOCS = Path(__file__).parents[3] / "docs" / "scenarios.md"


class Parrot:
    """An engine that buzzes for a tenth of a second for each word, with 50 ms of silence before and 90 ms after.

    It cannot speak more than half as fast again.
    """

    name = "hibari"
    rate = EAR_RATE
    voices: Mapping[str, str] = {"English-US.Female-1": "heart", "English-US.Male-1": "heart-low"}

    def __init__(self) -> None:
        self.spoken: list[tuple[str, str]] = []

    def speakable(self, text: str) -> str:
        return text

    def beyond(self, voice: str, manner: Manner) -> list[str]:
        return ["its rate beyond 150%"] if manner.rate > 1.5 else []

    async def speak(self, sentence: str, voice: str, manner: Manner = PLAIN) -> AsyncGenerator[Piece, None]:
        self.spoken.append((sentence, voice))
        yield Piece(silence(0.05), Timeline())
        yield Piece(np.concatenate([buzz(0.1 * len(sentence.split()) / manner.rate), silence(0.09)]))

    async def aclose(self) -> None: ...


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> Parrot:
    engine = Parrot()
    monkeypatch.setattr(marked.say, "__defaults__", (lambda: engine,))
    return engine


def script(tmp_path: Path, text: str) -> Scenario:
    write(tmp_path / "a.wav", VOICE)
    write(tmp_path / "b.wav", VOICE)
    (tmp_path / "talk.yaml").write_text(text, encoding="utf-8")
    return load_scenario(tmp_path / "talk.yaml")


def wrong(tmp_path: Path, text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        script(tmp_path, text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_one_talk_takes_its_name_from_the_file(tmp_path: Path) -> None:
    (talk,) = script(tmp_path, "lines:\n  - wav: a.wav\n  - {wav: b.wav, over: 2, expect: rome}\n").talks
    assert talk.name == "talk"
    assert [(line.name, line.cue, line.expect) for line in talk.lines] == [
        ("a", Cue("reply", 1.0), None),
        ("b", Cue("over", 2.0), "rome"),
    ]
    assert talk.noise is None


def test_several_talks_with_a_room_each(tmp_path: Path) -> None:
    text = """
talks:
  - name: hall
    room: 0.5
    lines:
      - wav: a.wav
      - {wav: a.wav, room: 0}
  - name: fan
    noise: pink:15
    lines: [{wav: b.wav, level: -12}]
"""
    hall, fan = script(tmp_path, text).talks
    assert hall.lines[0].seconds == pytest.approx(hall.lines[1].seconds + 0.5)
    assert hall.lines[0].voiced == hall.lines[1].voiced, "measured before the echo came"
    assert np.array_equal(hall.lines[1].pcm, VOICE)
    assert fan.noise is not None
    below = 20 * np.log10(speech_level(fan.lines[0].pcm) / np.sqrt(np.mean(fan.noise.astype(float) ** 2)))
    assert below == pytest.approx(15, abs=0.1)


def test_an_echo_does_not_delay_the_line_after(tmp_path: Path) -> None:
    lines = script(tmp_path, "room: 0.4\nlines:\n  - wav: a.wav\n  - {wav: b.wav, gap: -0.5}\n").talks[0].lines
    assert lines[1].cue == Cue("gap", pytest.approx(-0.9))


def test_what_is_written_is_said_with_its_pauses(tmp_path: Path, parrot: Parrot) -> None:
    text = 'lines:\n  - {say: "I would like [0.8] a table for two", voice: heart-low}\n  - say: "Thank you."\n'
    first, second = script(tmp_path, text).talks[0].lines
    assert parrot.spoken == [
        ("I would like,", "English-US.Male-1"),
        ("a table for two", "English-US.Male-1"),
        ("Thank you.", "English-US.Male-1"),
    ]
    assert first.transcript == first.name == "I would like a table for two"
    voice = find_voice(first.pcm)
    assert voice is not None
    (_, end), (start, _) = voice.stretches
    assert (start - end) / EAR_RATE == pytest.approx(0.8, abs=0.001)
    assert (first.words[2].text, first.words[3].text) == ("like", "a")
    assert first.words[2].end <= end / EAR_RATE < start / EAR_RATE <= first.words[3].start
    assert second.seconds < first.seconds
    assert first.pcm[end + 2000 : start].any(), "a room is never digitally silent"


def test_a_line_is_said_at_its_own_pace_or_at_its_talks(tmp_path: Path, parrot: Parrot) -> None:
    text = 'speed: 0.5\nlines:\n  - {say: "one two", speed: 1.25}\n  - say: "one two"\n  - {say: "one two", speed: 1}\n'
    lines = script(tmp_path, text).talks[0].lines
    assert [(line.voiced[1] - line.voiced[0]) / EAR_RATE for line in lines if line.voiced] == [0.16, 0.4, 0.2]


def test_a_pause_shorter_than_the_voices_own_silence_is_cut_to_length(tmp_path: Path, parrot: Parrot) -> None:
    line = script(tmp_path, 'lines:\n  - say: "one [0.1] two"\n').talks[0].lines[0]
    inside = np.abs(line.pcm[800 : len(line.pcm) - 1500].astype(int)) < 100
    assert int(inside.sum()) / EAR_RATE == pytest.approx(0.1, abs=0.005)


def test_the_same_script_is_the_same_scenario(tmp_path: Path, parrot: Parrot) -> None:
    text = 'noise: white:20\nroom: 0.3\nlines:\n  - say: "one [0.2] two"\n  - {say: "three", noise: pink:9}\n'
    assert script(tmp_path, text).fingerprint == script(tmp_path, text).fingerprint


async def test_scripts_can_be_loaded_while_an_event_loop_runs(tmp_path: Path, parrot: Parrot) -> None:
    assert script(tmp_path, 'lines: [{say: "hello"}]').lines == 1


def test_another_engine_is_noted(tmp_path: Path, parrot: Parrot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parrot, "name", "flite")
    (note,) = script(tmp_path, 'lines: [{say: "hello"}]').notes
    assert "spoken by flite" in note


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lines:\n  - wav: a.wav\n  - wva: b.wav\n", "talk.yaml:3: wva is no key of a line; did you mean wav?"),
        ("lnies: []\n", "talk.yaml:1: lnies is no key of a talk; did you mean lines?"),
        ("lines: []\n", "talk.yaml:1: lines must have from 1 to 1000 entries"),
        ("", "talk.yaml:1: lines is missing"),
        ("lines:\n  - wav\n", "talk.yaml:2: lines must be a list, each entry a mapping of wav, say,"),
        ("lines: a.wav\n", "talk.yaml:1: lines must be a list"),
        ("lines:\n  - {}\n", "talk.yaml:2: a line needs either wav or say"),
        ("lines:\n  - {wav: a.wav, say: hello}\n", "talk.yaml:2: a line needs either wav or say, not both"),
        ("lines:\n  - {wav: a.wav, voice: heart-low}\n", "talk.yaml:2: a voice goes with say"),
        ("lines:\n  - {wav: a.wav, speed: 1.2}\n", "talk.yaml:2: a speed goes with say"),
        ("lines:\n  - {say: hello, speed: 3}\n", "talk.yaml:2: speed = 3 must be a number from 0.25 to 2"),
        ("lines:\n  - {say: hello, transcript: hello}\n", "what is said is the transcript already"),
        ("lines:\n  - {wav: a.wav, over: 1, gap: 2}\n", "talk.yaml:2: over and gap disagree"),
        ("lines:\n  - wav: a.wav\n    over: soon\n", "talk.yaml:3: over = 'soon' must be a number from 0 to 600"),
        ("lines:\n  - wav: a.wav\n    gap: [1]\n", "talk.yaml:3: gap must be a number from -60 to 600"),
        ("lines:\n  - {wav: a.wav, expect: '['}\n", "it is no regular expression"),
        ("lines:\n  - say: one | two\n", "talk.yaml:2: say = 'one | two': a pause in what is said needs its length"),
        ("lines:\n  - say: one [long] two\n", "a pause is written with its seconds in brackets: [0.5]"),
        ("lines:\n  - say: one [99] two\n", "a pause of 99 s is too long; 30 s at most"),
        ("lines:\n  - say: '[1] two'\n", "there are no words to speak between its pauses"),
        ("lines:\n  - say: '...'\n", "there are no words to speak in it"),
        ("lines:\n  - {wav: c.wav}\n", "talk.yaml:2: c.wav is not there"),
        ("noise: fan.wav:3\nlines:\n  - {wav: a.wav}\n", "fan.wav is not there"),
        ("room: 20\nlines:\n  - wav: a.wav\n", "talk.yaml:1: room = 20 must be a number from 0 to 5"),
        ("talks:\n  - lines: [{wav: a.wav}]\n", "talk.yaml:2: name is missing"),
        (
            "talks:\n  - {name: x, lines: [{wav: a.wav}]}\n  - {name: x, lines: [{wav: a.wav}]}\n",
            "talk.yaml:3: a talk 'x' is there already",
        ),
        ("talks: []\nlines: []\n", "lines is no key of a script"),
        ("lines: [&a {wav: a.wav}, *a]\n", "aliases (*name) are not supported here"),
        ("lines:\n  - wav: a.wav\n  wav: [\n", "this is not YAML"),
        ("lines: [{wav: '', pause: 1}]\n", "it is no name of a file"),
    ],
)
def test_mistakes_name_their_line_and_key(tmp_path: Path, text: str, told: str) -> None:
    assert told in wrong(tmp_path, text)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    message = wrong(tmp_path, "lines:\n  - {wav: a.wav, over: x}\n  - {say: '|'}\n  - {wav: a.wav, raect: no}\n")
    assert [f"talk.yaml:{line}:" in message for line in (2, 3, 4)] == [True, True, True]


def test_a_pace_that_the_voice_has_not_names_its_line(tmp_path: Path, parrot: Parrot) -> None:
    message = wrong(tmp_path, "voice: heart-low\nlines:\n  - say: one\n  - {say: two, speed: 1.6}\n")
    assert message == f"{tmp_path}/talk.yaml:4: heart-low cannot change its rate beyond 150%"


def test_unknown_voices_name_their_lines(tmp_path: Path, parrot: Parrot) -> None:
    text = "lines:\n  - say: one\n  - {say: two, voice: hart-low}\n  - {say: two, voice: Bob}\n"
    message = wrong(tmp_path, text)
    assert "talk.yaml:3: hibari has no voice 'hart-low'; did you mean heart-low?" in message
    known = "English-US.Female-1, English-US.Male-1, heart, heart-low"
    assert f"talk.yaml:4: hibari has no voice 'Bob'; it has {known}" in message


def test_a_machine_without_any_voice() -> None:
    def none() -> Parrot:
        raise RuntimeError("no flite here")

    with pytest.raises(CannotSay, match="this machine has no voice"):
        say([Saying(parse("hello"))], none)


VALUES = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=8), st.lists(st.integers(), max_size=2),
    st.sampled_from(["a.wav", "one [0.5] two", "pink:15", "ignore", "heart"]),
)  # fmt: skip
LINES = st.dictionaries(st.sampled_from([*LineSpec.model_fields, "extra"]), VALUES, max_size=4)
TALKS = st.dictionaries(
    st.sampled_from([*TalkSpec.model_fields, "talks", "x"]), st.one_of(VALUES, st.lists(LINES, max_size=3)), max_size=4
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(TALKS, st.builds(lambda talks: {"talks": talks}, st.lists(TALKS, max_size=2))))
def test_no_script_ends_in_a_traceback(tmp_path: Path, parrot: Parrot, content: dict[str, object]) -> None:
    outcome: Scenario | str
    try:
        outcome = script(tmp_path, yaml.safe_dump(content))
    except ScenarioError as error:
        outcome = str(error)
    assert "\n" not in outcome if isinstance(outcome, str) else outcome.lines > 0


def test_the_example_of_the_documentation_loads(tmp_path: Path, parrot: Parrot) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        write(tmp_path / "question.wav", VOICE)
        scenario = script(tmp_path, example)
        assert scenario.lines >= 3
        assert scenario.notes == ()
