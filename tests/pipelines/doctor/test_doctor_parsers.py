"""Parsers of tools' output: the documented formats, and anything else without a crash."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.doctor import gpus, nvml
from pipelines.doctor.containers import runtimes, small_image
from pipelines.doctor.gpus import Gpus, kernel_module, of_nvml, of_smi
from pipelines.doctor.host import Output
from pipelines.doctor.inventory import environment, sight
from pipelines.doctor.libraries import linked, packages, so_version
from pipelines.doctor.machine import os_release


def smi(text: str, code: int = 0) -> Gpus:
    return of_smi(Output(code, text))


def test_several_gpus() -> None:
    row = "NVIDIA H100 80GB HBM3, 550.54.15, 81559, {used}, 34, 71.83, 9.0, Disabled"
    report = smi(f"{row.format(used=4)}\n{row.format(used=70000)}\n")
    assert report.driver == "550.54.15"
    assert [gpu.used for gpu in report.found] == [4, 70000]
    assert report.found[0].mig is False


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that", "no driver"),
        ("Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.90", "mismatch"),
        ("RM has detected an NVML/RM version mismatch.", "mismatch"),
        ("Failed to initialize NVML: Unknown Error", "no driver"),
        ("No devices were found", "no device"),
        ("Segmentation fault", "unreadable"),
    ],
)
def test_what_nvidia_smi_complains_of(said: str, why: str) -> None:
    assert smi(said, 9).why == why
    assert smi(said, 9).said == said.splitlines()[0]
    assert of_nvml(Output(0, json.dumps({"trouble": said}))).why == why


def test_the_kernel_modules_version() -> None:
    plain = (
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version: 12.3.0"
    )
    opened = "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  580.95.05  Release Build  (dvs-builder@U22)\n"
    assert kernel_module(plain) == "550.54.15"
    assert kernel_module(opened) == "580.95.05"
    assert kernel_module("GCC version: 12.3.0") is None
    assert kernel_module(None) is None


def test_nvml_as_a_program_says_one_line_of_json() -> None:
    done = subprocess.run(
        [sys.executable, "-P", nvml.__file__ or ""], capture_output=True, text=True, timeout=30, check=True
    )
    told = json.loads(done.stdout)
    assert ("trouble" in told) != ("gpus" in told)


def test_nvml_of_a_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    pynvml = pytest.importorskip("pynvml")

    def unsupported(*_: object) -> object:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    answers: dict[str, object] = {
        "nvmlInit": None, "nvmlDeviceGetCount": 1, "nvmlDeviceGetHandleByIndex": "gpu",
        "nvmlDeviceGetName": b"NVIDIA GB10",
        "nvmlSystemGetDriverVersion": "580.95.05", "nvmlSystemGetCudaDriverVersion": 13000,
        "nvmlDeviceGetTemperature": 41, "nvmlDeviceGetPowerUsage": 11000, "nvmlDeviceGetCudaComputeCapability": (12, 1),
    }  # fmt: skip
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, lambda *_, answer=answer: answer)
    for name in ("nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMigMode"):
        monkeypatch.setattr(pynvml, name, unsupported)
    report = of_nvml(Output(0, json.dumps(nvml.report())))
    assert (report.driver, report.cuda, report.why) == ("580.95.05", "13.0", None)
    (gpu,) = report.found
    assert (gpu.name, gpu.memory, gpu.mig, gpu.power, gpu.capability) == ("NVIDIA GB10", None, None, 11.0, "12.1")


def test_what_this_python_has() -> None:
    script = Path(gpus.__file__).with_name("python_packages.py")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=30, check=True)
    assert "tritonclient" in environment("here", Output(0, done.stdout)).packages


def test_packages_of_debian() -> None:
    text = "ii \tlibnccl2\t2.20.5-1+cuda12.4\nrc \tlibcudnn8\t8.9\nun \tlibnccl\t\nnonsense\n"
    assert packages(Output(0, text)) == {"libnccl2": "2.20.5-1+cuda12.4"}


def test_the_linkers_list_and_the_version_in_a_name() -> None:
    text = "5 libs found in cache `/etc/ld.so.cache'\n\tlibcudnn.so.9 (libc6,x86-64) => /usr/lib/libcudnn.so.9\n"
    assert linked(Output(0, text)) == {"libcudnn.so.9": "/usr/lib/libcudnn.so.9"}
    paths = ["/usr/lib/libcudnn.so.9", "/usr/lib/libcudnn.so.9.1.0", "/usr/lib/libcudnn_ops.so.9.9.9.9"]
    assert so_version(paths, "libcudnn") == ("9.1.0", "/usr/lib/libcudnn.so.9.1.0")
    assert so_version([], "libcudnn") is None


def test_images() -> None:
    assert small_image(["ubuntu:24.04", "nvidia/cuda:12.4.1-base-ubuntu22.04"]) == "nvidia/cuda:12.4.1-base-ubuntu22.04"
    assert small_image(["ubuntu:<none>", "evil/ubuntu:1"]) is None


def test_what_frameworks_see() -> None:
    assert sight(None) == (True, "")
    assert sight({"cuda": "12.4", "gpus": ["NVIDIA GB10"]}) == (True, ", sees NVIDIA GB10")
    assert sight({"cuda": None, "gpus": []}) == (False, ", sees no GPU: it is a build without CUDA")
    assert sight({"error": "ImportError: libcudnn.so.9\nnot found"})[1] == (
        ", cannot be used: ImportError: libcudnn.so.9 not found"
    )


@given(st.text() | st.binary().map(lambda raw: raw.decode(errors="replace")))
def test_any_output_is_survived(text: str) -> None:
    output = Output(0, text, text)
    for parse in (of_smi, of_nvml, packages, linked, runtimes, gpus.cuda_of_smi):
        parse(output)
    environment("x", output)
    os_release(text)
    kernel_module(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["gpus", "name", "memory", "mig", "packages", "sees", "torch"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(JSON)
def test_any_json_is_survived(told: object) -> None:
    output = Output(0, json.dumps(told))
    of_nvml(output)
    runtimes(output)
    found = environment("x", output)
    for seen in found.sees.values():
        sight(seen)
