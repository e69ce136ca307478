"""``python -m pipelines.models place, state, canary, promote, rollback`` from its command line, on the real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from repository_server import ADMIN, copy_model, served

from nova.repository import versions
from pipelines.models import main

pytestmark = pytest.mark.timeout(60)


@pytest.mark.services
def test_a_fine_tuned_model_goes_its_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = copy_model("nova", tmp_path / "repository")
    new = tmp_path / "new"
    versions.copy_of(model / "1")(new)
    (new / "talk.py").write_text("def answer(prompt):\n    return 'New.'\n")
    (tmp_path / "key").write_text(f"{ADMIN}\n")
    talks = tmp_path / "talks.jsonl"
    talks.write_text('{"messages": [{"role": "user", "content": "what is 1 plus 1"}]}\n')
    answers = tmp_path / "answers.jsonl"
    with served(tmp_path, "nova", restricted=True) as server:
        (tmp_path / "lab.yaml").write_text(
            "embedded: false\nllm: {backend: triton, endpoint: {target: '"
            f"{server.target}', tls: {{enabled: false}}}}}}\n"
        )

        def run(command: str, *more: str) -> tuple[int, str]:
            connection = ["--config", str(tmp_path / "lab.yaml"), "--admin-key-file", str(tmp_path / "key")]
            code = main([command, str(model), *([] if command == "place" else connection), *more])
            told = capsys.readouterr()
            return code, told.out + told.err

        assert run("place", "--copy", str(new)) == (
            0, "✓ version 2 of nova is placed; version 1 goes on being served\n"
        )  # fmt: skip
        assert run("state") == (0, "nova 1: to be served; READY\nnova 2: kept; not loaded\n")
        code, told = run("promote")
        assert (code, told) == (1, "only version [1] is served: name the version, or begin with a canary\n")
        code, told = run("canary", "--talks", str(talks), "--answers", str(answers))
        assert code == 0, told
        assert told.startswith("✓ version 2 answered 1 of 1; it is served beside version 1")
        (row,) = map(json.loads, answers.read_text().splitlines())
        assert (row["asked"], row["candidate"], row["error"]) == ("what is 1 plus 1", "New.", "")
        assert "2" in row["stable"]
        assert run("rollback") == (0, "✓ version 1 of nova is served alone\n")
        assert run("state") == (0, "nova 1: to be served; READY\nnova 2: kept; UNAVAILABLE unloaded\n")
        assert run("promote", "--version", "2") == (0, "✓ version 2 of nova is served alone\n")
        assert versions.served(model) == [2]
        code, told = run("rollback", "--version", "7")
        assert (code, told) == (1, "nova has no version 7\n")
        assert versions.served(model) == [2]


def test_without_a_server_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = copy_model("nova", tmp_path)
    assert main(["state", str(model)]) == 2
    assert "name no Triton of your own" in capsys.readouterr().err
    (tmp_path / "lab.yaml").write_text(
        "embedded: false\nllm: {backend: triton, endpoint: {target: 'localhost:1', tls: {enabled: false}}}\n"
    )
    assert main(["state", str(model), "--config", str(tmp_path / "lab.yaml")]) == 3
    assert "localhost:1" in capsys.readouterr().err
    (tmp_path / "tls.yaml").write_text(f"llm: {{endpoint: {{tls: {{enabled: true, ca: {tmp_path / 'ca.crt'}}}}}}}\n")
    layered = ["--config", str(tmp_path / "lab.yaml"), "--config", str(tmp_path / "tls.yaml")]
    assert main(["state", str(model), *layered]) == 2
    told = capsys.readouterr().err
    assert f"{tmp_path / 'ca.crt'} cannot be read: No such file or directory" in told
    assert told.count("\n") == 1
    (tmp_path / "key").write_text("no equals sign")
    assert (
        main(["state", str(model), "--config", str(tmp_path / "lab.yaml"), "--admin-key-file", str(tmp_path / "key")])
        == 2
    )
    assert "must hold NAME=VALUE" in capsys.readouterr().err


def test_what_cannot_be_placed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = copy_model("nova_vllm", tmp_path)
    assert main(["place", str(model), "--weights", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'nowhere'} is no folder of weights\n"
    assert main(["place", str(tmp_path / "nothing"), "--copy", str(model)]) == 2
    assert capsys.readouterr().err.startswith(f"{tmp_path / 'nothing'} cannot be read")
    assert versions.present(model) == [1]
