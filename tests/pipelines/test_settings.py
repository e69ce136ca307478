"""Settings: three layers, what they mean, and where a configuration is found."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from settings_mistakes import lines

from pipelines.settings import model as module
from pipelines.settings.layers import configs_folder, find_config, from_environment, read_yaml
from pipelines.settings.model import Settings, load_settings, reference

SHIPPED = sorted(path.name for path in configs_folder().glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_configuration_loads(name: str) -> None:
    settings = load_settings(name, environment={})
    embedded = dict.fromkeys(("embedded.yaml", "embedded-de.yaml", "embedded-auto.yaml"), True) | {
        "spark.yaml": ("face",)
    }
    beside_a_model = dict.fromkeys(("ollama.yaml", "vllm.yaml"), ("asr", "tts", "face"))
    assert settings.embedded == (beside_a_model | embedded).get(name, False)


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


def test_variables_of_others_are_left_alone() -> None:
    assert from_environment({"SOPHIA_HOME": "/x", "PATH": "/bin", "OTHER_SOPHIA_X": "1"}).values == {}
    compose = {"SOPHIA_UID": "1000", "SOPHIA_GID": "1000", "SOPHIA_TLS": "./tls"}  # exported for the stack's files
    assert from_environment(compose).values == {}


def test_the_reference_explains_every_setting() -> None:
    rows = {key: (default, allowed, description) for key, default, allowed, description in reference()}
    assert rows["microphone.echo"][1] == "one of auto, cancel, half-duplex, off"
    assert [key for key, (_, _, description) in rows.items() if not description] == []
    assert [key for key, (_, allowed, _) in rows.items() if "of another kind" in allowed] == []


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert module.main([]) == 0
    assert "turns.pause_open: 0.55" in capsys.readouterr().out
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
