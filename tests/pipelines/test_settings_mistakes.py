"""One line for each mistake in the settings, that says where, what and what instead."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from settings_mistakes import lines

from nova.history import LEAST_ROOM
from pipelines.settings.layers import find_config, from_environment, from_overrides, read_yaml
from pipelines.settings.model import SettingsError, load_settings


def test_a_mistake_is_blamed_on_the_file_it_stands_in(tmp_path: Path) -> None:
    lab, tuned = tmp_path / "lab.yaml", tmp_path / "tuned.yaml"
    lab.write_text("turns:\n  pause_complete: 99\n  pause_open: 99\n")
    tuned.write_text("turns:\n\n  pause_open: -1\n  pause_opne: 1\n")
    with pytest.raises(SettingsError) as caught:
        load_settings([lab, tuned], {}, {})
    assert [line.split(" = ")[0].split(" is ")[0] for line in caught.value.lines] == [
        f"{lab}:2: turns.pause_complete",
        f"{tuned}:3: turns.pause_open",
        f"{tuned}:4: turns.pause_opne",
    ]
    with pytest.raises(SettingsError, match=r"no configuration .*third.yaml"):
        load_settings([lab, tmp_path / "third.yaml"], {}, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "embedded: maybe\n",
            "my.yaml:1: embedded = 'maybe' must be true or false or a list [a, b, …] of asr, llm, tts, face.",
        ),
        ("\nturns:\n  pause_open: 99\n", "my.yaml:3: turns.pause_open = 99 must be a number from 0.1 to 3."),
        ("turns:\n  pause_open: soon\n", "my.yaml:2: turns.pause_open = 'soon' must be a number from 0.1 to 3."),
        (
            "microphone: {echo: canceling}\n",
            "my.yaml:1: microphone.echo = 'canceling' must be one of auto, cancel, half-duplex, off.",
        ),
        (
            "face:\n  endpoint:\n    target: a2f.lab\n",
            "my.yaml:3: face.endpoint.target = 'a2f.lab' does not fit: "
            "write it as host:port, for example riva.lab:50051 or [::1]:50051.",
        ),
        (
            "llm:\n  endpoint:\n    tls: {cert: a.crt}\n",
            "my.yaml:3: llm.endpoint.tls does not fit: cert and key belong together: set both (mutual TLS) or neither.",
        ),
        (
            "llm: {endpoint: {keepalive_seconds: 10}}\n",
            "my.yaml:1: llm.endpoint.keepalive_seconds = 10 does not fit: "
            "use 0 for none, or 300 and more: servers cut off clients that ping more often.",
        ),
    ],
)
def test_a_wrong_value_is_one_line(tmp_path: Path, text: str, expected: str) -> None:
    assert lines(tmp_path, text) == (expected,)


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        (
            "turns: {pause_opne: 1}",
            "my.yaml:1: turns.pause_opne is not a setting; did you mean turns.pause_open? (turns has: ",
        ),
        ("speeker: {}", "my.yaml:1: speeker is not a setting; did you mean speaker? (there are: language, embedded, "),
        ("pause_open: 1", "my.yaml:1: pause_open is not a setting; did you mean turns.pause_open? (there are: "),
        ("xyzzy: 1", "my.yaml:1: xyzzy is not a setting. (there are: language, embedded, "),
        ("turns: [1, 2]", "my.yaml:1: turns = [1, 2] must be a group of settings: language, "),
    ],
)
def test_an_unknown_key_names_the_nearest_and_all_there_are(tmp_path: Path, text: str, beginning: str) -> None:
    (line,) = lines(tmp_path, text)
    assert line.startswith(beginning)


@pytest.mark.parametrize(
    ("old", "new"), [("ears", "microphone"), ("recognizer", "asr"), ("mind", "llm"), ("voice", "tts")]
)
def test_a_sections_old_name_is_one_line_that_tells_the_new_one(tmp_path: Path, old: str, new: str) -> None:
    told = f"{old} is called {new} now."
    assert lines(tmp_path, f"{old}: {{rate: 1}}\n") == (f"my.yaml:1: {told}",)
    assert lines(tmp_path, f"\n{old}:\n  endpoint:\n    target: lab:1\n") == (f"my.yaml:2: {told}",)
    assert lines(tmp_path, f"{old}:\n  # all commented out\n") == (f"my.yaml:1: {told}",)
    variable = f"SOPHIA_{old.upper()}__ENDPOINT__TARGET"
    assert lines(tmp_path, "", {variable: "lab:1"}) == (f"{variable}: {told}",)
    assert lines(tmp_path, "", {}, **{f"{old}.rate": "1"}) == (f"--set {old}.rate: {told}",)
    assert lines(tmp_path, "", {}, **{old: "1"}) == (f"--set {old}: {told}",)


def test_an_old_name_is_not_known_further_down(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, "llm: {voice: slt}\n")
    assert line.startswith("my.yaml:1: llm.voice is not a setting; did you mean tts.voice? (llm has: ")


def test_every_mistake_is_told_and_each_where_it_stands(tmp_path: Path) -> None:
    told = lines(
        tmp_path,
        "speaker: {devise: 1}\n",
        {"SOPHIA_FOO__BAR": "1", "SOPHIA_TURNS__BARGE_IN": "x"},
        **{"tts.rat": "1"},
    )
    assert sorted(line.split(": ")[0] for line in told) == [
        "--set tts.rat",
        "SOPHIA_FOO__BAR",
        "SOPHIA_TURNS__BARGE_IN",
        "my.yaml:1",
    ]


def test_where_a_value_was_overridden_the_override_is_blamed(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, "turns: {pause_open: 0.5}", {"SOPHIA_TURNS__PAUSE_OPEN": "99"})
    assert line.startswith("SOPHIA_TURNS__PAUSE_OPEN: turns.pause_open = '99'")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb:\n  c: [1, 2\nd: 4\n", "my.yaml:4:2", "expected ',' or ']'"),
        ("\tturns: 1\n", "my.yaml:1:1", "\\t"),
        ("a: b: c\n", "my.yaml:1:5", "mapping values are not allowed here"),
        ("turns: {}\nturns: {}\n", "my.yaml:2:1", "the key 'turns' stands here a second time"),
        ("a: &x {}\nb: *x\n", "my.yaml:2:4", "aliases"),
        ("a: 1\n---\nb: 2\n", "my.yaml:2:1", "another document"),
        ("a: !!python/object/apply:os.system [ls]\n", "my.yaml:1:4", "tags (tag:yaml.org,2002:python"),
        ("a: !!bool x\n", "my.yaml:1:4", "tags (tag:yaml.org,2002:bool) are not supported"),
        ("a: !!int ''\n", "my.yaml:1:4", "tags"),
        ("!!map [a]\n", "my.yaml:1:1", "tags"),
    ],
)
def test_what_is_not_yaml_is_told_with_line_and_column(tmp_path: Path, text: str, place: str, words: str) -> None:
    (line,) = lines(tmp_path, text)
    assert line.startswith(f"{place}: this is not YAML: ")
    assert words in line


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\u202eb", "a\udcffb", "a\0b"])
def test_a_name_with_odd_characters_is_told_on_one_line(name: str) -> None:
    with pytest.raises(SettingsError, match="There is no configuration") as caught:
        find_config(name)
    assert all(line.isprintable() for line in caught.value.lines)


def test_what_is_there_but_no_file_is_not_said_to_be_missing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(SettingsError, match=r"^The configuration .*fifo is not a file\.$"):
        find_config(tmp_path / "fifo")


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe\x00", b"\x00", b"[" * 5000, b"- 1\n", b"text", b"a: 1\n" * 300_000, b'a: "\\UFFFFFFFF"']
)
def test_hostile_files_are_one_line_too(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "my.yaml").write_bytes(raw)
    with pytest.raises(SettingsError) as caught:
        read_yaml(tmp_path / "my.yaml")
    assert len(caught.value.lines) == 1
    assert len(caught.value.lines[0]) < 400


_TAGS = ("map", "seq", "str", "bool", "int", "float", "null", "binary", "set", "omap", "pairs", "timestamp", "merge")
_TAGGED = st.lists(st.sampled_from([*(f"!!{tag} " for tag in _TAGS), *"abx:-[]{},'\"\n 01", "\\x", "\\U"])).map("".join)


@given(st.binary(max_size=200) | (st.text("a:b-[]{},&*!|>'\"#%@\n ~01") | _TAGGED).map(str.encode))
@example(b"!!bool x")
@example(b"!!timestamp x")
def test_no_file_makes_anything_but_a_layer_or_one_line(raw: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(raw)
        file.flush()
        try:
            told = 1 + len(read_yaml(Path(file.name)).origins)
        except SettingsError as error:
            told = len(error.lines)
    assert told >= 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "embedded: face",
            "my.yaml:1: embedded = 'face' must be true or false or a list [a, b, …] of asr, llm, tts, face.",
        ),
        (
            "embedded: [speech]",
            "my.yaml:1: embedded = ['speech'] does not fit: speech is no service; there are asr, llm, tts, face.",
        ),
        (
            "embedded: [llm]\nllm: {backend: openai}",
            "my.yaml:2: llm does not fit: the embedded llm speaks Triton's protocol; with llm.backend openai do not "
            "embed it.",
        ),
    ],
)
def test_what_cannot_be_embedded_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    assert lines(tmp_path, text) == (line,)


def test_a_configuration_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    for name in ("labs.yaml", str(tmp_path / "labs.yaml"), "sub/labs.yaml"):
        with pytest.raises(SettingsError, match=r"There is no configuration .*labs\.yaml; did you mean lab\.yaml\?"):
            find_config(name)
    with pytest.raises(SettingsError, match=r" embedded\.yaml, lab\.yaml, .*spark\.yaml"):
        find_config("zzz")


def test_a_folder_is_not_a_configuration(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is not a file"):
        find_config(tmp_path)


def test_environment_and_command_line_contradicting_themselves() -> None:
    with pytest.raises(SettingsError, match="disagree"):
        from_environment({"SOPHIA_TTS": "x", "SOPHIA_TTS__RATE": "1"})
    with pytest.raises(SettingsError, match="does not name a setting"):
        from_environment({"SOPHIA_TTS____RATE": "1"})
    with pytest.raises(SettingsError, match="one form"):
        from_overrides({"tts.rate": "1", "tts": "x"})
    with pytest.raises(SettingsError, match="begins like a list"):
        from_overrides({"tts.metadata": "{a: "})


@pytest.mark.parametrize(
    "variable",
    ["SOPHIA_PORT=50051", "SOPHIA_METRICS_PORT=9090", "SOPHIA_TTS__PORT=1", "SOPHIA_SERVICE_HOST=riva.lab",
     "SOPHIA_TTS_RATE=16000", "SOPHIA_TELEMETRY__SERVICE_PORT=high", "SOPHIA_PORT_=tcp://x:1",
     "sophia_port=tcp://10.0.0.1:1", "SOPHIA_PORT_X_TCP=tcp://10.0.0.1:1"],
)  # fmt: skip
def test_a_mistyped_variable_is_refused_all_the_same(variable: str) -> None:
    name, _, value = variable.partition("=")
    with pytest.raises(SettingsError, match=name):
        load_settings(environment={name: value})


def test_a_key_that_cannot_be_sent_is_refused_with_how_to_write_it() -> None:
    with pytest.raises(SettingsError, match=r"'Function-ID' cannot be a metadata key: use lower-case letters"):
        load_settings(environment={"SOPHIA_ASR__ENDPOINT__METADATA__Function-ID": "abc"})


PERSONAS = {
    "in the file": ("llm:\n  persona: '{}'\n", {}, {}),
    "with its own limit": ("llm:\n  history_tokens: 512\n  persona: '{}'\n", {}, {}),
    "from the command line": ("llm: {{}}\n", {"llm.persona": "{}"}, {}),
    "under a limit of the environment": ("llm:\n  persona: '{}'\n", {}, {"SOPHIA_LLM__HISTORY_TOKENS": "300"}),
}


@pytest.mark.parametrize("where", PERSONAS)
def test_a_persona_that_leaves_no_room_for_what_is_said_is_refused_with_numbers(tmp_path: Path, where: str) -> None:
    text, overrides, environment = PERSONAS[where]
    persona = "You are Sophia. " * 450
    overrides = {key: value.format(persona) for key, value in overrides.items()}
    (line,) = lines(tmp_path, text.format(persona), environment, **overrides)
    limit = 512 if "own" in where else 300 if "environment" in where else 2048
    assert "llm.persona = 'You are Sophia. You are" in line
    assert line.endswith(
        f"does not fit: it is about 2062 tokens long; llm.history_tokens is {limit}, "
        "and 128 of them must remain for what is said."
    )


def test_a_persona_may_be_as_long_as_leaves_just_enough_room(tmp_path: Path) -> None:
    limit = 256
    longest = (limit - LEAST_ROOM - 4) * 7 // 2
    config = f"llm:\n  history_tokens: {limit}\n  persona: "
    (tmp_path / "my.yaml").write_text(config + "x" * longest)
    assert load_settings(tmp_path / "my.yaml", environment={}).llm.persona == "x" * longest
    (line,) = lines(tmp_path, config + "x" * (longest + 1))
    assert "129" in line
    (tmp_path / "my.yaml").write_text(f"llm:\n  history_tokens: {limit}")  # the house's own persona fits always
    load_settings(tmp_path / "my.yaml", environment={})
