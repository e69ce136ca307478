"""What ``python -m pipelines.models check`` says of sound, broken and hostile repositories."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nova.repository import modelconfig
from nova.repository.check import check
from nova.repository.findings import Level
from pipelines.models import OURS, main


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    shutil.copytree(OURS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_the_projects_own_models_are_sound() -> None:
    report = check(OURS)
    found = {model.name: (model.backend, model.served, model.adapter, model.streams) for model in report.models}
    assert found == {
        "nova": ("python", (1,), "vllm", True),
        "nova_trtllm": ("python", (1,), "llmapi", True),
        "nova_vllm": ("vllm", (1,), "vllm", True),
    }
    assert [finding for finding in report.all() if finding.level is not Level.NOTE] == []


def test_the_spark_engines_leave_memory_for_the_others() -> None:
    vllm = json.loads((OURS / "nova_vllm" / "1" / "model.json").read_text())
    assert vllm["gpu_memory_utilization"] == 0.35
    assert (vllm["moe_backend"], vllm["kv_cache_dtype"]) == ("flashinfer_cutlass", "fp8")
    cache = json.loads((OURS / "nova_trtllm" / "1" / "model.json").read_text())["kv_cache_config"]
    assert cache["max_tokens"] == 16 * 4096


def edit(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(repository: Path) -> None:
        text = (repository / path).read_text()
        assert old in text, "the test is out of date"
        (repository / path).write_text(text.replace(old, new))

    return change


def engine(**changes: object) -> Callable[[Path], None]:
    def change(repository: Path) -> None:
        path = repository / "nova_vllm" / "1" / "model.json"
        kept = {k: v for k, v in {**json.loads(path.read_text()), **changes}.items() if v is not None}
        path.write_text(json.dumps(kept))

    return change


def remove(path: str) -> Callable[[Path], None]:
    return lambda repository: (repository / path).unlink()


def write(path: str, content: str | bytes) -> Callable[[Path], None]:
    def change(repository: Path) -> None:
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_bytes(content if isinstance(content, bytes) else content.encode())

    return change


NOVA, VLLM = "nova/config.pbtxt", "nova_vllm/config.pbtxt"


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        (edit(NOVA, 'name: "nova"', 'name: "nova2"'), NOVA, "the model is named 'nova2', its folder 'nova'"),
        (edit(NOVA, "TYPE_BOOL", "TYPE_INT32"), NOVA, "input 'stream' is INT32, Nova's vllm adapter sends BOOL"),
        (edit(NOVA, 'stream" data_type: TYPE_BOOL dims: [ 1 ]', 'stream" data_type: TYPE_BOOL dims: [ 2 ]'), NOVA,
         "input 'stream' has dims [2], Nova's vllm adapter sends [1]"),
        (edit(NOVA, "input [\n", 'input [\n { name: "mood" data_type: TYPE_STRING dims: [ 1 ] },'), NOVA,
         "input 'mood' is required, but Nova's vllm adapter never sends it"),
        (edit(NOVA, "dims: [ -1 ]", "dims: [ 0 ]"), NOVA, "has dims [0]: they must be -1, or 1 and more"),
        (edit(NOVA, "TYPE_STRING dims: [ -1 ]", "TYPE_FP32 dims: [ -1 ]"), NOVA, "it must be TYPE_STRING"),
        (edit(NOVA, 'backend: "python"', 'backend: "${triton_backend}"'), NOVA, "was not filled in: triton_backend"),
        (edit(NOVA, "max_batch_size: 0", "max_batch_size: many"), NOVA, "is no model configuration: 7:17"),
        (edit(NOVA, "max_batch_size: 0", "max_batch_size: 16 dynamic_batching { preferred_batch_size: [ 32 ] }"), NOVA,
         "larger than max_batch_size"),
        (edit(VLLM, "versions: [ 1 ]", "versions: [ 1, 4 ]"), VLLM, "version_policy wants 4, which the folder"),
        (edit(VLLM, "KIND_MODEL", "KIND_CPU"), "nova_vllm/1/model.json", "vLLM needs a GPU"),
        (remove("nova/warmup/prompt"), NOVA, "model_warmup reads warmup/prompt, which is missing"),
        (remove("nova/1/model.py"), "nova/1/model.py", "cannot be read: No such file"),
        (write("nova/1/model.py", "def f(:"), "nova/1/model.py", "is no Python in line 1"),
        (write("nova/1/model.py", b"\x00" * 9), "nova/1/model.py", "is no Python"),
        (write("nova/1/model.py", "x = 1"), "nova/1/model.py", "has no class TritonPythonModel"),
        (remove("nova_vllm/1/model.json"), "nova_vllm/1/model.json", "cannot be read: No such file"),
        (write("nova_vllm/1/model.json", "[" * 100_000), "nova_vllm/1/model.json", "is not JSON"),
        (write("nova_vllm/1/model.json", '{"a": NaN}'), "nova_vllm/1/model.json", "NaN is no JSON number"),
        (write("nova_vllm/1/model.json", "[]"), "nova_vllm/1/model.json", "must hold a JSON object"),
        (write("nova_vllm/1/model.json", b"\xff" * (300 << 10)), "nova_vllm/1/model.json", "is larger than 256 KiB"),
        (engine(gpu_memory_utilization=None), "nova_vllm/1/model.json", "gpu_memory_utilization is missing"),
        (engine(gpu_memory_utilization=True), "nova_vllm/1/model.json", "is True: write a share"),
        (engine(gpu_memory_utilization=35), "nova_vllm/1/model.json", "is 35: write a share"),
        (engine(max_model_length=1), "nova_vllm/1/model.json", "did you mean 'max_model_len'?"),
        (engine(max_num_seqs="16"), "nova_vllm/1/model.json", "max_num_seqs is '16': it must be a JSON whole number"),
        (engine(max_num_seqs=True), "nova_vllm/1/model.json", "it must be a JSON whole number"),
        (engine(max_num_seqs=0), "nova_vllm/1/model.json", "it must be 1 or more"),
        (engine(model=None), "nova_vllm/1/model.json", "model is missing"),
        (edit("nova_trtllm/1/model.json", '"free_gpu_memory_fraction": 0.3,', ""), "nova_trtllm/1/model.json", None),
        (edit("nova_trtllm/1/model.json", "kv_cache_config", "quant_config"), "nova_trtllm/1/model.json",
         "kv_cache_config sets neither"),
        (write("stray/readme.txt", "hello"), "stray", "Triton takes every folder for a model"),
        (lambda repository: (repository / "gone").symlink_to("nowhere"), "gone", "is a link to nowhere"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_line(
    repository: Path, change: Callable[[Path], None], where: str, says: str | None
) -> None:
    change(repository)
    errors = [finding for finding in check(repository).all() if finding.level is Level.ERROR]
    if says is None:
        assert errors == []
        return
    assert any(finding.where == where and says in finding.text for finding in errors), errors
    assert all("\n" not in finding.text and len(finding.text) < 400 for finding in errors)
    assert main(["check", str(repository)]) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (edit(NOVA, "decoupled: true", "decoupled: false"), "answers come as a whole"),
        (edit(NOVA, "max_batch_size: 0", "max_batch_size: 4 dynamic_batching { max_queue_delay_microseconds: 5000 }"),
         "pays these 5 ms"),
        (edit(NOVA, 'backend: "python"', ""), "has neither backend nor platform"),
        (edit(NOVA, "input [\n", 'input [ { name: "stream" data_type: TYPE_BOOL dims: [ 1 ] optional: true },\n'),
         "input 'stream' is declared twice"),
        (edit(NOVA, "count: 1", "count: 2"), "2 instances are as many processes"),
        (engine(future_option=1), "no argument of vLLM that this check knows of"),
        (engine(disable_log_stats=True), "REPORT_CUSTOM_METRICS shows nothing"),
        (engine(max_model_len=None), "max_model_len is missing"),
        (write("nova/02/model.py", ""), "versions begin with 1 to 9"),
        (lambda repository: (repository / "__pycache__").mkdir(), "Triton takes every folder for a model"),
        (lambda repository: shutil.copytree(repository / "nova_vllm" / "1", repository / "nova_vllm" / "2")
            and edit(VLLM, "versions: [ 1 ]", "versions: [ 1, 2 ]")(repository), "names no version gets 2"),
    ],
)  # fmt: skip
def test_what_is_doubtful_is_a_warning(repository: Path, change: Callable[[Path], None], says: str) -> None:
    change(repository)
    report = check(repository)
    assert report.count(Level.ERROR) == 0
    assert any(says in finding.text for finding in report.all() if finding.level is Level.WARNING), report.all()
    assert (main(["check", str(repository)]), main(["check", "--strict", str(repository)])) == (0, 1)


ENSEMBLE = """
name: "talk"
platform: "ensemble"
max_batch_size: 16
model_transaction_policy { decoupled: true }
input [ { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "text_output" data_type: TYPE_STRING dims: [ -1 ] } ]
ensemble_scheduling { step [ {
  model_name: "nova" model_version: -1
  input_map { key: "text_input" value: "text_input" }
  output_map { key: "text_output" value: "text_output" }
} ] }
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("", "", None),
        ('model_name: "nova"', 'model_name: "nowa"', "has a step 'nowa' that is no sound model"),
        (
            'key: "text_input" value: "text_input"',
            'key: "prompt" value: "text_input"',
            "an input 'prompt' that it does",
        ),
        ('value: "text_input"', 'value: "words"', "feeds 'nova' with 'words', which nothing makes"),
        ('key: "text_output"', 'key: "answer"', "takes an output 'answer' of 'nova'"),
        ('value: "text_output"', 'value: "answer"', "promises an output 'text_output' that no step makes"),
    ],
)
def test_an_ensemble_is_wired_to_what_exists(repository: Path, old: str, new: str, says: str | None) -> None:
    (repository / "talk" / "1").mkdir(parents=True)
    (repository / "talk" / "config.pbtxt").write_text(ENSEMBLE.replace(old, new) if old else ENSEMBLE)
    errors = [finding.text for finding in check(repository).all() if finding.level is Level.ERROR]
    assert (errors == []) if says is None else any(says in text for text in errors), errors


def test_weights_that_are_here_are_looked_at(repository: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "adapter_model.safetensors").touch()
    engine(model=str(weights))(repository)
    errors = [finding.text for finding in check(repository).all() if finding.level is Level.ERROR]
    assert errors == [f"the weights {weights} have no config.json and no tokenizer_config.json"]


def test_the_command_line(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'nowhere'} cannot be read: No such file or directory\n"
    (tmp_path / "empty").mkdir()
    assert main(["check", str(tmp_path / "empty")]) == 1
    assert "holds no model" in capsys.readouterr().out
    assert main(["check", str(repository), "--json", str(tmp_path / "report.json")]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert [model["name"] for model in report["models"]] == ["nova", "nova_trtllm", "nova_vllm"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_configuration_breaks_the_check(repository: Path, data: st.DataObject) -> None:
    text = (OURS / "nova" / "config.pbtxt").read_text()
    pieces = [text[:at] for at in (0, 400, 900, 1600)]
    content = data.draw(
        st.one_of(
            st.binary(max_size=200),
            st.builds(
                lambda head, tail: (head + tail).encode("utf-8", "surrogatepass"),
                st.sampled_from(pieces),
                st.text(alphabet=" {}[]:\"'<>,-19aé\n#$\\", max_size=60),
            ),
        )
    )
    for other in ("nova_vllm", "nova_trtllm"):
        shutil.rmtree(repository / other, ignore_errors=True)
    (repository / "nova" / "config.pbtxt").write_bytes(content)
    assert [model.name for model in check(repository).models] == ["nova"]


@pytest.mark.parametrize(
    "policy",
    ["", "version_policy: { latest { num_versions: 2 } }", "version_policy {\n  all { }\n}", "# version_policy {"],
)
def test_a_pin_changes_the_policy_and_nothing_else(policy: str) -> None:
    text = (OURS / "nova" / "config.pbtxt").read_text() + policy + ("\n" if policy else "")
    once = modelconfig.pinned(text, [2])
    twice = modelconfig.pinned(once, [3, 1])
    config = modelconfig.parse(twice)
    assert list(config.version_policy.specific.versions) == [1, 3]
    assert modelconfig.policy_versions(config, [1, 2, 3, 4]) == [1, 3]
    assert twice.count("version_policy:") == 1
    assert "# The embedded mind: a small rule-based stand-in" in twice
    assert modelconfig.pinned(twice, [1, 3]) == twice


def test_a_pin_of_nothing_is_refused() -> None:
    with pytest.raises(modelconfig.ConfigError, match="from 1 up"):
        modelconfig.pinned('name: "nova"', [])
