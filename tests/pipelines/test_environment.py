"""What is kept beside figures: enough to tell two runs apart, and nothing about whose machine it is."""

import getpass
import json
import platform
import subprocess
import threading
from datetime import datetime
from pathlib import Path

import pynvml
import pytest
from fake_nvml import FakeNvml

from pipelines.machine import environment as module
from pipelines.machine.environment import config_hash, environment
from pipelines.settings.model import load_settings, shareable


def test_it_is_json_and_names_neither_host_user_nor_path():
    found = environment()
    text = json.dumps(found)
    assert datetime.fromisoformat(found["date"]).utcoffset().total_seconds() == 0
    assert found["versions"]["python"] == platform.python_version()
    assert found["cores"] >= 1
    assert platform.node() not in text or len(platform.node()) < 4
    assert f'"{getpass.getuser()}' not in text
    assert str(Path(module.__file__).parent) not in text


def test_a_gpu_is_named_with_its_driver(monkeypatch):
    FakeNvml(monkeypatch, gpus=2)
    found = environment()
    assert found["gpus"] == ["NVIDIA Fake 0", "NVIDIA Fake 1"]
    assert found["driver"] == "580.95.05"


def test_without_a_driver_there_is_no_gpu(monkeypatch):
    FakeNvml(monkeypatch, absent=pynvml.NVML_ERROR_DRIVER_NOT_LOADED)
    found = environment()
    assert found["gpus"] == []
    assert found["driver"] is None


def test_a_driver_that_hangs_is_not_waited_for(monkeypatch):
    free = threading.Event()
    FakeNvml(monkeypatch)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: free.wait(10))
    monkeypatch.setattr(module, "GPU_SECONDS", 0.01)
    try:
        assert environment()["gpus"] == []
    finally:
        free.set()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout of its own with one commit."""

    def git(*arguments):
        name = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", "-C", tmp_path, *name, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-q", "-m", "one")
    monkeypatch.setattr(module, "_PROJECT", tmp_path)
    return tmp_path, git("rev-parse", "HEAD")


def test_the_commit_is_told_and_whether_it_was_changed(checkout):
    folder, commit = checkout
    assert environment()["commit"] == commit
    assert environment()["dirty"] is False
    (folder / "file").write_text("two")
    assert environment()["dirty"] is True


def test_an_installed_package_does_not_tell_the_commit_of_the_checkout_around_it(checkout, monkeypatch):
    folder, _ = checkout
    (folder / "site-packages").mkdir()
    monkeypatch.setattr(module, "_PROJECT", folder / "site-packages")
    found = environment()
    assert found["commit"] is None
    assert found["dirty"] is None


def test_without_git_there_is_no_commit(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert environment()["commit"] is None


def test_the_hash_does_not_depend_on_the_order_of_keys():
    assert config_hash({"a": {"x": 1, "y": 2}, "b": 3}) == config_hash({"b": 3, "a": {"y": 2, "x": 1}})


def test_the_hash_is_of_what_can_change_a_latency():
    plain = config_hash(shareable(load_settings("embedded", environment={})))
    assert len(plain) == 16

    def changed(key, value):
        return config_hash(shareable(load_settings("embedded", {key: value}, {})))

    for key, value in (
        ("turns.pause_complete", "0.7"),
        ("llm.model", "another"),
        ("embedded", "false"),
        ("asr.language", "de-DE"),
    ):
        assert changed(key, value) != plain, key
    for key, value in (
        ("telemetry.exporter", "console"),
        ("llm.endpoint.target", "elsewhere:8001"),
        ("tts.endpoint.tls.ca", "/etc/lab.pem"),
        ("speaker.device", "3"),
    ):
        assert changed(key, value) == plain, key
