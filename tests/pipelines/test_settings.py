"""Settings: three layers, and one line for each mistake that says where, what and what instead."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from nova.history import LEAST_ROOM
from pipelines.settings import model as module
from pipelines.settings.endpoint import Endpoint, TlsSettings
from pipelines.settings.layers import configs_folder, find_config, from_environment, from_overrides, read_yaml
from pipelines.settings.model import Settings, SettingsError, load_settings, main, reference, shareable
from pipelines.talk.graph import mermaid

SHIPPED = sorted(path.name for path in configs_folder().glob("*.yaml"))


def lines(tmp_path: Path, text: str, environment: dict[str, str] | None = None, **overrides: str) -> tuple[str, ...]:
    """The mistakes found in a file with ``text``, without the file's folder."""
    (tmp_path / "my.yaml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "my.yaml", overrides, environment or {})
    assert all("\n" not in line and "Traceback" not in line for line in caught.value.lines)
    return tuple(line.replace(f"{tmp_path}/", "") for line in caught.value.lines)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_configuration_loads(name: str) -> None:
    settings = load_settings(name, environment={})
    assert settings.embedded == {"embedded.yaml": True, "spark.yaml": ("face",)}.get(name, False)


def test_what_the_shipped_configurations_reach() -> None:
    assert {"embedded.yaml", "lab.yaml", "spark.yaml"} <= set(SHIPPED)
    lab = load_settings("lab.yaml", environment={})
    endpoints = [lab.asr.endpoint, lab.llm.endpoint, lab.tts.endpoint, lab.face.endpoint]
    assert [endpoint.port for endpoint in endpoints] == [50051, 8001, 50051, 52000]
    assert all(endpoint.tls.enabled and endpoint.tls.ca for endpoint in endpoints)
    spark = load_settings("spark.yaml", environment={})
    plaintext = [e for e in (spark.asr.endpoint, spark.llm.endpoint, spark.tts.endpoint) if not e.tls.enabled]
    assert all(endpoint.host == "localhost" for endpoint in plaintext)
    assert spark.face.enabled
    assert spark.embedded_services == ("face",)
    assert spark.face.network.folder is None


def test_command_line_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("turns: {pause_open: 0.5, pause_complete: 0.3}\ntts: {endpoint: {target: 'a:1'}}\n")
    environment = {"SOPHIA_TURNS__PAUSE_OPEN": "0.7", "SOPHIA_TTS__ENDPOINT__TARGET": "b:2", "HOME": "/x"}
    overrides = {"tts.endpoint.target": "c:3", "tts.endpoint.metadata": "{function-id: abc}"}
    settings = load_settings(file, overrides, environment)
    assert settings.turns.pause_complete == 0.3
    assert settings.turns.pause_open == 0.7
    assert settings.tts.endpoint.target == "c:3"
    assert settings.tts.endpoint.metadata == {"function-id": "abc"}
    assert settings.turns.barge_in == Settings().turns.barge_in


def test_each_file_changes_what_those_before_it_say(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    lab, tuned = tmp_path / "lab" / "lab.yaml", tmp_path / "tuned.yaml"
    lab.write_text(
        "turns: {pause_open: 0.5, pause_complete: 0.3}\nmicrophone: {vad: {onset: 0.6}}\n"
        "asr: {boost_phrases: [one, two]}\n"
        "tts: {endpoint: {tls: {ca: lab.crt}, metadata: {a: '1'}}}\nface: {endpoint: {tls: {ca: face.crt}}}\n"
    )
    tuned.write_text(
        "turns: {pause_open: 0.4}\nmicrophone:\n  # nothing\nasr: {boost_phrases: [three]}\n"
        "tts: {endpoint: {metadata: {b: '2'}}}\nface: {endpoint: {tls: {ca: tuned.crt}}}\n"
    )
    settings = load_settings([lab, tuned], {}, {})
    assert (settings.turns.pause_open, settings.turns.pause_complete) == (0.4, 0.3)
    assert settings.microphone.vad.onset == 0.6  # an empty section says nothing
    assert settings.asr.boost_phrases == ("three",)
    assert settings.tts.endpoint.metadata == {"a": "1", "b": "2"}
    assert settings.tts.endpoint.tls.ca == lab.parent / "lab.crt"  # each path from its own file's folder
    assert settings.face.endpoint.tls.ca == tmp_path / "tuned.crt"
    assert load_settings([tuned, lab], {}, {}).turns.pause_open == 0.5
    assert load_settings([lab, tuned], {}, {"SOPHIA_TURNS__PAUSE_OPEN": "0.7"}).turns.pause_open == 0.7
    assert load_settings([], {}, {}) == Settings()


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


def test_without_a_file_the_defaults_stand() -> None:
    assert load_settings(environment={}) == Settings()


def test_devices_are_numbers_or_names() -> None:
    settings = load_settings(overrides={"microphone.device": "2", "speaker.device": "Jabra"}, environment={})
    assert (settings.microphone.device, settings.speaker.device) == (2, "Jabra")


def test_an_empty_file_and_an_empty_section_mean_defaults(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("turns:\n  # all commented out\n")
    assert load_settings(tmp_path / "my.yaml", environment={}) == Settings()
    (tmp_path / "my.yaml").write_text("")
    assert load_settings(tmp_path / "my.yaml", environment={}) == Settings()


def test_naming_one_key_of_an_endpoint_keeps_the_services_own_port(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("llm: {endpoint: {tls: {ca: ca.crt}}}\nface: {endpoint: {connect_seconds: 1}}\n")
    settings = load_settings(tmp_path / "my.yaml", environment={})
    assert settings.llm.endpoint.target == "localhost:8001"
    assert settings.face.endpoint.target == "localhost:52000"


def test_paths_count_from_where_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "my.yaml").write_text(
        "tts: {endpoint: {tls: {ca: tls/ca.crt}}}\nllm: {endpoint: {tls: {ca: ~/ca.crt}}}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    settings = load_settings("conf/my.yaml", {}, {"SOPHIA_FACE__ENDPOINT__TLS__CA": "face.crt"})
    assert settings.tts.endpoint.tls.ca == tmp_path / "conf" / "tls" / "ca.crt"
    assert settings.llm.endpoint.tls.ca == Path("/home/someone/ca.crt")
    assert settings.face.endpoint.tls.ca == tmp_path / "face.crt"


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


def test_secrets_are_never_repeated(tmp_path: Path) -> None:
    text = (
        "tts:\n  endpoint:\n    api_key: hunter2\n    metadata: {authorization: [hunter2]}\n"
        "llm:\n  endpoint:\n    metadata: {Authorization: hunter2}\n"
        "face:\n  endpoint:\n    metadata: hunter2\n"
    )
    told = lines(tmp_path, text)
    assert len(told) == 4
    assert "hunter2" not in "\n".join(told)
    settings = Settings(tts={"endpoint": Endpoint(metadata={"authorization": "hunter2"}, api_key_file="/k/key.txt")})
    shared = shareable(settings)
    assert "hunter2" not in str(shared)
    assert shared["tts"]["endpoint"]["api_key_file"] == "/k/key.txt"


@pytest.mark.parametrize(
    "told",
    [
        {"telemetry.credentials": "{hunter2"},
        {"telemetry.endpoint": "https://collector:4317/?token=hunter2"},
        {"telemetry.endpoint": "https://collector:4317?token=hunter2"},
        {"telemetry.endpoint": "https://me:hun/hunter2@collector#hunter2"},
        {"llm.endpoint.target": "https://me:hunter2@model:8000/v1?api_key=hunter2"},
        {"tts.voice": "{a: https://me:hunter2@voice?hunter2"},
        {"asr.endpoint.metadata.authorization": "[hunter2"},
    ],
)
def test_a_value_that_cannot_be_used_is_told_without_what_is_secret_in_it(told: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides=told)
    assert next(iter(told)) in str(caught.value)
    assert "hunter2" not in str(caught.value)


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


def test_words_of_yaml_1_1_stay_words(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("a: no\nb: 12:30\nc: 2026-01-31\nd: 1e3\ne: 007\nf: 0.5\ng: -4\nh: true\non: ~\n")
    assert read_yaml(tmp_path / "my.yaml").values == {
        "a": "no", "b": "12:30", "c": "2026-01-31", "d": 1000.0, "e": "007", "f": 0.5, "g": -4, "h": True, "on": None,
    }  # fmt: skip


def test_yes_and_no_are_understood_where_a_truth_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("embedded: yes\nface: {enabled: no}\n")
    settings = load_settings(tmp_path / "my.yaml", environment={})
    assert settings.embedded
    assert not settings.face.enabled


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("true", ("asr", "llm", "tts", "face")),
        ("false", ()),
        ("[]", ()),
        ("[face]", ("face",)),
        ("[tts, asr, asr]", ("asr", "tts")),
    ],
)
def test_services_are_embedded_all_or_none_or_one_by_one(tmp_path: Path, written: str, means: tuple[str, ...]) -> None:
    (tmp_path / "my.yaml").write_text(f"embedded: {written}\n")
    assert load_settings(tmp_path / "my.yaml", environment={}).embedded_services == means
    assert load_settings(None, {"embedded": written}, {}).embedded_services == means
    assert load_settings(None, {}, {"SOPHIA_EMBEDDED": written}).embedded_services == means
    assert load_settings(None, {"embedded": written, "face.enabled": "no"}, {}).embedded_services == tuple(
        name for name in means if name != "face"
    )


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


def test_the_folder_of_a_network_counts_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("face: {network: {folder: models/Mark, fps: 15}}\n")
    network = load_settings(tmp_path / "my.yaml", environment={}).face.network
    assert network.folder == tmp_path / "models/Mark"
    assert network.fps == "15"
    assert load_settings(tmp_path / "my.yaml", {"face.network.fps": "30"}, {}).face.network.fps == "30"
    assert load_settings(tmp_path / "my.yaml", {"face.network.folder": "null"}, {}).face.network.folder is None
    (tmp_path / "my.yaml").write_text("face: {network: {fps: 20}}\n")
    assert lines(tmp_path, (tmp_path / "my.yaml").read_text()) == (
        "my.yaml:1: face.network.fps = '20' must be one of auto, 30, 15.",
    )


def test_a_bare_name_is_looked_up_beside_the_caller_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config("lab.yaml") == configs_folder() / "lab.yaml"
    assert find_config("lab") == configs_folder() / "lab.yaml"
    (tmp_path / "lab.yaml").write_text("")
    assert find_config("lab.yaml").resolve() == tmp_path / "lab.yaml"


def test_a_configuration_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    for name in ("labs.yaml", str(tmp_path / "labs.yaml"), "sub/labs.yaml"):
        with pytest.raises(SettingsError, match=r"There is no configuration .*labs\.yaml; did you mean lab\.yaml\?"):
            find_config(name)
    with pytest.raises(SettingsError, match=r"embedded\.yaml, lab\.yaml, spark\.yaml"):
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


@pytest.mark.parametrize("service", ["SOPHIA", "SOPHIA_VOICE", "SOPHIA_TTS", "SOPHIA_TTS__X", "SOPHIA_2"])
def test_what_kubernetes_tells_of_a_service_is_overlooked(service: str) -> None:
    told = {
        "SERVICE_HOST": "10.96.0.12",
        "SERVICE_PORT": "50051",
        "SERVICE_PORT_GRPC": "50051",
        "PORT": "tcp://10.96.0.12:50051",
        "PORT_50051_TCP": "tcp://10.96.0.12:50051",
        "PORT_50051_TCP_PROTO": "tcp",
        "PORT_50051_TCP_PORT": "50051",
        "PORT_50051_TCP_ADDR": "10.96.0.12",
        "PORT_53_UDP": "udp://[fd00::c]:53",
        "PORT_53_UDP_ADDR": "fd00::c",
    }
    load_settings(environment={f"{service}_{name}": value for name, value in told.items()})


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


KEYS = st.text(min_size=1, max_size=20).filter(lambda key: "\0" not in key and key.isprintable())


@given(KEYS)
def test_the_key_of_a_free_mapping_comes_through_every_layer_as_it_is(key: str) -> None:
    def pronounced(**layers: Any) -> dict[str, str]:
        return load_settings(**{"environment": {}, **layers}).tts.pronunciations

    wanted = {key: "S OW"}
    assert pronounced(overrides={f"tts.pronunciations.{key}": "S OW"}) == wanted
    assert pronounced(environment={f"SOPHIA_TTS__PRONUNCIATIONS__{key}": "S OW"}) == wanted
    assert pronounced(environment={f"Sophia_tts__Pronunciations__{key}": "S OW"}) == wanted
    for text in (
        json.dumps(wanted, ensure_ascii=False),
        yaml.safe_dump(wanted, default_flow_style=True, allow_unicode=True),
    ):
        assert pronounced(overrides={"tts.pronunciations": text}) == wanted
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            file.write(f"tts: {{pronunciations: {text}}}\n")
            file.flush()
            assert pronounced(config=file.name) == wanted


def test_keys_stay_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(
        "tts:\n  pronunciations: {1.50: a, on: b, null: c, 0x1F: d, Sophia: e, 007: f, +5: g}"
    )
    settings = load_settings(
        tmp_path / "my.yaml",
        {
            "asr.endpoint.metadata.function-id": "abc",
            "asr.endpoint.metadata.x.y-z": "1",
            "face.multipliers.jawOpen": "2",
        },
        {"SOPHIA_TTS__PRONUNCIATIONS__McDonald": "M", "SOPHIA_FACE__EMOTIONS__JOY": "0.5"},
    )
    assert settings.tts.pronunciations == {
        "1.50": "a", "on": "b", "null": "c", "0x1F": "d", "Sophia": "e", "007": "f", "+5": "g", "McDonald": "M",
    }  # fmt: skip
    assert settings.asr.endpoint.metadata == {"function-id": "abc", "x.y-z": "1"}
    assert settings.face.multipliers == {"jawOpen": 2.0}
    assert settings.face.emotions == {"joy": 0.5}


def test_a_key_that_cannot_be_sent_is_refused_with_how_to_write_it() -> None:
    with pytest.raises(SettingsError, match=r"'Function-ID' cannot be a metadata key: use lower-case letters"):
        load_settings(environment={"SOPHIA_ASR__ENDPOINT__METADATA__Function-ID": "abc"})


def test_variables_of_others_are_left_alone() -> None:
    assert from_environment({"SOPHIA_HOME": "/x", "PATH": "/bin", "OTHER_SOPHIA_X": "1"}).values == {}
    compose = {"SOPHIA_UID": "1000", "SOPHIA_GID": "1000", "SOPHIA_TLS": "./tls"}  # exported for the stack's files
    assert from_environment(compose).values == {}


@pytest.mark.parametrize("target", ["riva.lab:50051", "127.0.0.1:1", "[::1]:65535", "localhost:8001"])
def test_targets(target: str) -> None:
    endpoint = Endpoint(target=target)
    assert f"{endpoint.host}:{endpoint.port}" == target.replace("[", "").replace("]", "")


@pytest.mark.parametrize(
    "target", ["", "host", "host:", ":1", "host:0", "host:65536", "::1:50", "https://host:1", "a b:1"]
)
def test_what_is_no_target(target: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        Endpoint(target=target)


@pytest.mark.parametrize("key", ["authorization", "proxy-authorization", "x-api-key", "cookie", "auth-token"])
def test_a_secret_in_metadata_is_only_sent_over_tls_or_to_this_machine(key: str) -> None:
    clear = TlsSettings(enabled=False)
    with pytest.raises(ValidationError, match=f"metadata '{key}' is only sent over TLS or to this machine") as refused:
        Endpoint(target="riva.lab:50051", metadata={key: "hunter2"}, tls=clear)
    assert "hunter2" not in str(refused.value.errors()[0]["msg"])
    assert Endpoint(target="riva.lab:50051", metadata={key: "hunter2"}).metadata
    for here in ("localhost:50051", "127.0.0.1:50051", "127.8.8.8:50051", "[::1]:50051"):
        assert Endpoint(target=here, metadata={key: "hunter2"}, tls=clear).metadata
    for other in ("localhost.lab:50051", "192.0.2.1:50051", "[2001:db8::1]:50051"):
        with pytest.raises(ValidationError):
            Endpoint(target=other, metadata={key: "hunter2"}, tls=clear)
    assert Endpoint(target="riva.lab:50051", metadata={"function-id": "f"}, tls=clear).metadata


SECRETIVE = [
    ("telemetry.endpoint", "https://user:hunter2@collector.lab:4317"),
    ("telemetry.endpoint", "https://user:hunter2@x@collector.lab:4317"),
    ("telemetry.endpoint", "https://hunter2@collector.lab:4317"),
    ("telemetry.endpoint", "https://user:hunter2@collector.lab:4317/path/that/is/wrong"),
    ("telemetry.endpoint", "https://user:hun/ter2@collector.lab:4317"),
    ("telemetry.endpoint", "http://user:hunter2@collector.lab:4317"),
    ("telemetry.endpoint", "user:hunter2@collector.lab:4317"),
    ("telemetry.credentials", "user:hunter2"),
    ("telemetry.credentials", "[hunter2]"),
    ("llm.endpoint.target", "user:hunter2@nova.lab:8001"),
    ("stack.prometheus", "http://user:hunter2@prometheus.lab:9090"),
]


@pytest.mark.parametrize(("key", "value"), SECRETIVE)
def test_a_password_in_an_address_is_shown_nowhere(
    key: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        settings = load_settings(None, {key: value}, {})
    except SettingsError as error:
        shown = "\n".join(error.lines)
    else:
        shown = "\n".join([yaml.safe_dump(shareable(settings)), repr(settings), settings.model_dump_json()])
        shown += mermaid(settings)
        assert settings.telemetry.credentials is not None
        assert "hunter2" in settings.telemetry.credentials.get_secret_value()
    path = tmp_path / "secretive.yaml"
    section, *rest = key.split(".")
    content: object = value
    for part in reversed(rest):
        content = {part: content}
    path.write_text(yaml.safe_dump({section: content}))
    main([str(path)])
    shown += "".join(capsys.readouterr())
    assert "hunter2" not in shown
    assert "ter2" not in shown


def test_an_api_key_is_never_sent_in_the_clear() -> None:
    with pytest.raises(ValueError, match="only sent over TLS"):
        Endpoint(api_key_env="KEY", tls=TlsSettings(enabled=False))


def test_the_reference_explains_every_setting() -> None:
    rows = {key: (default, allowed, description) for key, default, allowed, description in reference()}
    assert rows["microphone.echo"][1] == "one of auto, cancel, half-duplex, off"
    assert [key for key, (_, _, description) in rows.items() if not description] == []
    assert [key for key, (_, allowed, _) in rows.items() if "of another kind" in allowed] == []


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert module.main([]) == 0
    assert "turns.pause_open: 0.6" in capsys.readouterr().out
    assert module.main(["lab.yaml"]) == 0
    assert "target: riva.lab:50051" in capsys.readouterr().out
    assert module.main(["lab.yaml", "spark.yaml"]) == 0
    layered = capsys.readouterr().out
    assert "target: localhost:50152" in layered
    assert "target: a2f.lab:52000" in layered
    (tmp_path / "my.yaml").write_text("nonsense: 1")
    assert module.main([str(tmp_path / "my.yaml")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_one_language_counts_for_ears_voice_and_turn_taking(tmp_path):
    (tmp_path / "german.yaml").write_text("language: de-DE\ntts: {language: de-CH}\nturns:\n")
    settings = load_settings(tmp_path / "german.yaml", {}, {})
    assert (settings.asr.language, settings.turns.language) == ("de-DE", "de-DE")
    assert settings.tts.language == "de-CH"
    assert load_settings(None, {"language": "de-DE"}, {}).turns.language == "de-DE"
    assert load_settings(None, {}, {"SOPHIA_LANGUAGE": "de-DE"}).asr.language == "de-DE"


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
