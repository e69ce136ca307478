"""``python -m pipelines.nova_benchmark`` as people call it: what it prints and writes, and its exit codes."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from streaming_triton import Triton, serving

from pipelines.home import home
from pipelines.nova_benchmark import main

FEW = ("--requests", "4", "--rounds", "1", "--warm-up", "1", "--max-tokens", "5")


@pytest.fixture
def triton() -> Iterator[Triton]:
    with serving(Triton()) as served:
        yield served


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory and the home of a run; nothing is written elsewhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path / "home"))
    return tmp_path


def config(folder: Path, port: int, **llm: Any) -> str:
    section = {"endpoint": {"target": f"127.0.0.1:{port}", "tls": {"enabled": False}}, **llm}
    (folder / "lab.yaml").write_text(yaml.safe_dump({"llm": section}))
    return "lab.yaml"


def limits(folder: Path, values: dict[str, Any]) -> str:
    (folder / "limits.yaml").write_text(yaml.safe_dump(values))
    return "limits.yaml"


def test_everything_is_shown_and_written(folder: Path, triton: Triton, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--config", config(folder, triton.port), *FEW, "--concurrency", "1,2", "--batch", "2", "--rate", "400"]
    kept = limits(folder, {"concurrency": {2: {"failed": 0}}, "compared": {"tritonclient": {"tokens": 0.001}}})
    assert main([*given, "--compare", "--thresholds", kept, "--json", "it.json", "--plot", "it.html"]) == 0
    told = capsys.readouterr()
    assert "nova on simulated 1.0 (streams, batches up to 16)" in told.out
    assert "tritonclient" in told.out
    assert told.err == ""
    written = json.loads((folder / "it.json").read_text())
    assert [point["requests"] for point in written["points"]] == [4, 4, 4]
    assert [row["concurrency"] for row in written["compared"]] == [1, 2]
    assert written["environment"]["versions"]["grpcio"]
    assert (folder / "it.html").read_text().startswith("<!doctype html>")


def test_a_missed_limit_is_exit_code_1(folder: Path, triton: Triton, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--config", config(folder, triton.port), *FEW, "--concurrency", "1"]
    missed = limits(folder, {"concurrency": {1: {"requests_per_second": 1e9}}})
    assert main([*given, "--thresholds", missed, "--json", "it.json"]) == 1
    assert "less than 1e+09" in capsys.readouterr().out
    assert len(json.loads((folder / "it.json").read_text())["missed"]) == 1


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"concurrency": {"1": {"first_tokn_p95": 1}}}, "limits.yaml:3: concurrency.1.first_tokn_p95: is no limit"),
        ({"batch": {"1": {"speedup": "fast"}}}, "limits.yaml:3: batch.1.speedup: Input should be a valid number"),
        ({"concurrency": {"many": {}}}, "concurrency.many: Input should be a valid integer"),
        ({"concurrency": {"9": {}}}, "concurrency.9 has limits but is not measured: add it to --concurrency"),
    ],
)
def test_a_mistake_in_the_limits(
    folder: Path, values: dict[str, Any], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", config(folder, 1), "--thresholds", limits(folder, values)]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--config", "no.yaml"], "There is no configuration no.yaml"),
        (["--config", "lab.yaml", "--full-speed"], "embedded: true"),
        (["--config", "lab.yaml", "--set", "llm.backend=openai"], "llm.backend is openai"),
        (["--config", "lab.yaml", "--json", "nowhere/it.json"], "there is no folder nowhere"),
        (["--config", "lab.yaml", "--thresholds", "no.yaml"], "no.yaml cannot be read"),
    ],
)
def test_mistakes_in_the_settings(
    folder: Path, given: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config(folder, 1)
    assert main(given) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("given", [["--concurrency", "0"], ["--batch", "1,x"], ["--rate", "-1"], ["--requests", "0"]])
def test_mistakes_on_the_command_line(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2
    assert given[0] in capsys.readouterr().err


def test_nobody_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", config(folder, 1), *FEW, "--json", "it.json"]) == 3
    assert "is down" in capsys.readouterr().err
    assert not (folder / "it.json").exists()


def test_a_model_that_is_not_there(folder: Path, triton: Triton, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", config(folder, triton.port, model="other"), *FEW]) == 5
    assert "Model 'other' is not ready on this server; it has nova" in capsys.readouterr().err


def test_a_server_that_refuses_everything(folder: Path, triton: Triton, capsys: pytest.CaptureFixture[str]) -> None:
    triton.refuse = tuple(range(2, 100))
    given = ["--config", config(folder, triton.port), *FEW, "--concurrency", "1", "--json", "it.json"]
    assert main(given) == 5
    assert "None of 4 requests was answered: model 'nova': Exceeds maximum" in capsys.readouterr().err
    (point,) = json.loads((folder / "it.json").read_text())["points"]
    assert (point["requests"], point["failed"]) == (0, 4)


def test_a_server_that_goes_away(folder: Path, triton: Triton, capsys: pytest.CaptureFixture[str]) -> None:
    triton.break_off = tuple(range(8, 100))
    given = ["--config", config(folder, triton.port), *FEW, "--concurrency", "1,2", "--json", "it.json"]
    assert main(given) == 3
    told = capsys.readouterr()
    assert "broke the connection" in told.err
    assert "1 at once" in told.out
    assert [point["complete"] for point in json.loads((folder / "it.json").read_text())["points"]] == [True, False]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_was_measured(
    folder: Path, triton: Triton, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    triton.at_request = lambda request: signal.raise_signal(number) if request == 8 else None
    given = ["--config", config(folder, triton.port), *FEW, "--concurrency", "1,2", "--json", "it.json"]
    assert main(given) == 130
    assert "Stopped before the end" in capsys.readouterr().out
    written = json.loads((folder / "it.json").read_text())
    assert written["interrupted"] is True
    assert written["points"][0]["requests"] == 4


@pytest.mark.services
def test_the_embedded_triton(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOPHIA_HOME", str(home()))  # where Triton's environment is
    given = [
        "--full-speed",
        *FEW,
        "--concurrency",
        "4",
        "--batch",
        "4",
        "--compare",
        "--json",
        str(tmp_path / "it.json"),
    ]
    assert main(given) == 0
    written = json.loads((tmp_path / "it.json").read_text())
    (point,) = written["points"]
    assert (point["requests"], point["tokens"], written["decoupled"]) == (4, 20, True)
    assert written["compared"][0]["token_ratio"]["tritonclient"]["median"] > 0
    if written["server"].startswith("triton"):  # its stand-in keeps no statistics
        assert point["server"]["requests"] == 4
        assert written["batches"][0]["mean_batch_size"] >= 1.0
    assert "without its simulated pace" in capsys.readouterr().out
