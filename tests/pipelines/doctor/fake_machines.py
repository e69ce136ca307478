"""Machines that are not here, by what their tools print and their files hold, in the formats that NVIDIA documents."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from pipelines.doctor.host import Output


@dataclass
class FakeHost:
    """A machine. ``tools`` maps the beginning of a command line to its output; what it does not name is missing."""

    tools: dict[str, Output] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    globs: dict[str, list[str]] = field(default_factory=dict)
    runs_on: tuple[str, str] = ("5.15.0-105-generic", "x86_64")
    ran: list[str] = field(default_factory=list)

    async def run(self, *command: str, seconds: float = 5.0) -> Output:
        line = " ".join(command)
        self.ran.append(line)
        for begins, output in self.tools.items():
            if line.startswith(begins) or (begins.endswith(".py") and begins in line):
                return output
        return Output(None, trouble="missing")

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def names(self, pattern: str) -> list[str]:
        return self.globs.get(pattern, [])

    def kernel(self) -> tuple[str, str]:
        return self.runs_on


def says(text: str, code: int = 0) -> Output:
    return Output(code, text)


def complains(text: str, code: int = 1) -> Output:
    return Output(code, "", text)


NO_NVML = says(json.dumps({"trouble": "nvidia-ml-py is not installed"}))
SMI_TABLE = """\
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 550.54.15              Driver Version: 550.54.15      CUDA Version: 12.4     |
|-----------------------------------------+------------------------+----------------------+
"""
MODULE = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n"
    "GCC version:  gcc version 12.3.0 (Ubuntu 12.3.0-1ubuntu1~22.04)\n"
)
PYTHON = {
    "python": "3.10.12",
    "packages": {"torch": "2.3.0", "torchvision": "0.18.0", "jax": "0.4.30"},
    "sees": {"torch": {"cuda": "12.4", "gpus": ["NVIDIA H100 80GB HBM3"]}, "jax": {"gpus": []}},
}
DPKG = """\
ii \tlibcudnn9-cuda-12\t9.0.0.312-1
ii \tcuda-cudart-12-4\t12.4.99-1
ii \tcuda-cudart-dev-12-4\t12.4.99-1
ii \tlibcublas-12-4\t12.4.5.8-1
rc \tlibnvinfer8\t8.6.1.6-1+cuda12.0
ii \tlibnvinfer10\t10.0.1.6-1+cuda12.4
ii \tlibnccl2\t2.20.5-1+cuda12.4
"""
LDCONFIG = """\
1234 libs found in cache `/etc/ld.so.cache'
\tlibcutensor.so.2 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libcutensor.so.2
\tlibcufft.so.11 (libc6,x86-64) => /usr/local/cuda/targets/x86_64-linux/lib/libcufft.so.11
"""
NVCC = """\
nvcc: NVIDIA (R) Cuda compiler driver
Copyright (c) 2005-2024 NVIDIA Corporation
Built on Tue_Feb_27_16:19:38_PST_2024
Cuda compilation tools, release 12.4, V12.4.99
Build cuda_12.4.r12.4/compiler.33961263_0
"""
NCU = (
    "NVIDIA (R) Nsight Compute Command Line Profiler\nCopyright (c) 2018-2024 NVIDIA Corporation\n"
    "Version 2024.1.0.0 (build 33681293) (public-release)\n"
)


RUNTIMES = {
    "io.containerd.runc.v2": {"path": "runc", "status": {"org.opencontainers.runtime-spec.features": "{}"}},
    "runc": {"path": "runc", "status": {"org.opencontainers.runtime-spec.features": "{}"}},
}
"""As Docker 26.1 without NVIDIA's toolkit names them."""
NVIDIA_RUNTIME = {**RUNTIMES, "nvidia": {"path": "nvidia-container-runtime"}}
NO_DEVICE_DRIVER = complains(
    'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]]\n\n'
    "Run 'docker run --help' for more information\n",
    125,
)


def guide() -> FakeHost:
    """An x86-64 machine with an H100 as the integration guide wants it, NVML's package not installed."""
    return FakeHost(
        tools={
            "nvml.py": NO_NVML,
            "nvidia-smi --query": says("NVIDIA H100 80GB HBM3, 550.54.15, 81559, 4, 34, 71.83, 9.0, Disabled\n"),
            "nvidia-smi": says(SMI_TABLE),
            "mokutil --sb-state": says("SecureBoot disabled\n"),
            "nvcc --version": says(NVCC),
            "nvidia-ctk --version": says("NVIDIA Container Toolkit CLI version 1.14.6\ncommit: 5605d191\n"),
            "nsys --version": says("NVIDIA Nsight Systems version 2024.1.1.59-241133802077v0\n"),
            "ncu --version": says(NCU),
            "dcgmi --version": says("\ndcgmi  version: 3.3.5\n\n"),
            "ngc --version": says("NGC CLI 3.41.4\n"),
            "conda --version": says("conda 24.1.2\n"),
            "dpkg-query": says(DPKG),
            "ldconfig -p": says(LDCONFIG),
            "docker version": says("26.1.0\n"),
            "docker compose version": says("2.26.1-4\n"),
            "docker info": says(json.dumps(NVIDIA_RUNTIME)),
            "docker image ls": says("nvcr.io/nvidia/tritonserver:24.05-vllm-python-py3\nubuntu:22.04\n"),
            "docker run": says("GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-8a1d)\n"),
            "python_packages.py": says(json.dumps(PYTHON)),
        },
        files={
            "/etc/os-release": 'PRETTY_NAME="Ubuntu 22.04.4 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\nID=ubuntu\n',
            "/proc/meminfo": "MemTotal:       528280000 kB\nMemFree: 1 kB\nMemAvailable:   500000000 kB\n",
            "/proc/driver/nvidia/version": MODULE,
        },
        globs={
            "/sys/firmware/efi": ["/sys/firmware/efi"],
            "/usr/lib/x86_64-linux-gnu/libcutensor.so.2": ["/usr/lib/x86_64-linux-gnu/libcutensor.so.2.0.1"],
        },
    )


def spark() -> FakeHost:
    """A DGX Spark: Arm, Ubuntu 24.04, unified memory, of which the driver tells nothing."""
    nvml = {
        "driver": "580.95.05",
        "cuda": "13.0",
        "gpus": [{"name": "NVIDIA GB10", "memory": None, "used": None, "temperature": 41, "power": 11.0,
                  "capability": "12.1", "mig": None}],
    }  # fmt: skip
    return FakeHost(
        tools={
            "nvml.py": says(json.dumps(nvml)),
            "nvcc --version": says("Cuda compilation tools, release 13.0, V13.0.88\n"),
            "docker version": says("28.5.1\n"),
            "docker compose version": says("v2.40.0\n"),
            "docker info": says(json.dumps(NVIDIA_RUNTIME)),
            "nvidia-ctk --version": says("NVIDIA Container Toolkit CLI version 1.18.0\n"),
        },
        files={
            "/etc/os-release": 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nID=ubuntu\nVERSION_ID="24.04"\n',
            "/etc/dgx-release": 'DGX_NAME="DGX Spark"\nDGX_SWBUILD_VERSION="7.3.1"\n',
            "/proc/meminfo": "MemTotal:       125500000 kB\nMemAvailable:   100000000 kB\n",
        },
        runs_on=("6.14.0-1013-nvidia", "aarch64"),
    )


def mig() -> FakeHost:
    """An A100 cut into slices; what belongs to a slice is told for none."""
    host = guide()
    row = "NVIDIA A100-SXM4-40GB, 550.54.15, 40960, 87, 30, 45.12, 8.0, Enabled"
    host.tools["nvidia-smi --query"] = says(f"{row}\n")
    return host


def mismatch() -> FakeHost:
    """After an upgrade without a reboot."""
    host = guide()
    host.tools["nvml.py"] = says(json.dumps({"trouble": "Driver/library version mismatch"}))
    host.tools["nvidia-smi"] = says(
        "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.90\n", 18
    )
    del host.tools["nvidia-smi --query"]
    return host


def no_driver() -> FakeHost:
    """The tools are there, a GPU is on the bus, and the module is not loaded, because secure boot refuses it."""
    host = guide()
    words = (
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest "
        "NVIDIA driver is installed and running.\n"
    )
    host.tools["nvml.py"] = says(json.dumps({"trouble": "Driver Not Loaded"}))
    host.tools["nvidia-smi"] = says(words, 9)
    del host.tools["nvidia-smi --query"]
    host.tools["mokutil --sb-state"] = says("SecureBoot enabled\n")
    del host.files["/proc/driver/nvidia/version"]
    host.globs["/sys/bus/pci/devices/*"] = ["/sys/devices/pci0/1", "/sys/devices/pci0/2"]
    host.files |= {
        "/sys/devices/pci0/1/vendor": "0x10de\n", "/sys/devices/pci0/1/class": "0x030200\n",
        "/sys/devices/pci0/2/vendor": "0x8086\n", "/sys/devices/pci0/2/class": "0x030000\n",
    }  # fmt: skip
    return host
