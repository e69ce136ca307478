"""The base phase on machines that are not here: each is told apart, and each trouble comes with its remedy."""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import fake_machines as machines
import pytest
from fake_machines import FakeHost, complains, says

from pipelines.doctor import inventory
from pipelines.doctor.checklist import Context, run_checks
from pipelines.doctor.finding import Mark, Result, exit_code
from pipelines.doctor.host import Output
from pipelines.doctor.manifest import Expectation, Manifest, find_manifest, read_manifest
from pipelines.doctor.program import BASE
from pipelines.doctor.python_packages import WANTED
from pipelines.settings.model import Settings


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no(host: str, port: int, seconds: float = 2.0) -> bool:
        return False

    monkeypatch.setattr(inventory, "listens", no)


WELL = (
    "os", "kernel", "architecture", "memory", "secure_boot", "driver", "gpu", "gpu_memory", "cuda_driver",
    "cuda", "cudart", "cudnn", "cublas", "tensorrt", "nccl", "cutensor", "docker", "compose", "container_toolkit",
    "runtime", "gpu_container", "nsys", "ncu", "dcgm", "ngc", "conda", "torch", "triton", "vllm",
)  # fmt: skip


async def look(host: FakeHost, manifest: str | Manifest = "dgx-guide") -> Mapping[str, Result]:
    expected = read_manifest(find_manifest(manifest)) if isinstance(manifest, str) else manifest
    context = Context(host, expected, Settings())
    return {finding.key: finding.result async for finding in run_checks(BASE, context)}


async def test_the_guides_machine() -> None:
    host = machines.guide()
    found = await look(host)
    for key in WELL:
        assert found[key].mark is Mark.OK, (key, found[key])
    assert found["driver"].found == "550.54.15 (nvidia-smi)"
    assert found["driver"].expected == "at least 550"
    assert found["cuda_driver"].version == "12.4"
    assert found["cuda"].version == "12.4.99"
    assert found["cudnn"].found == "9.0.0.312-1 (package libcudnn9-cuda-12)"
    assert found["cutensor"].version == "2.0.1"
    assert found["tensorrt"].version == "10.0.1.6-1+cuda12.4"  # not the removed 8.6 that dpkg still knows
    assert (found["nsys"].version, found["ncu"].version) == ("2024.1.1.59", "2024.1.0.0")
    assert (found["dcgm"].version, found["ngc"].version, found["conda"].version) == ("3.3.5", "3.41.4", "24.1.2")
    assert "sees NVIDIA H100 80GB HBM3" in found["torch"].found
    assert found["gpu_memory"].found == "81559 MiB, 4 in use"
    assert found["selinux"].mark is Mark.SKIP
    # What is wrong here is told: JAX sees no GPU, cuRAND is not there, nothing listens.
    assert (found["jax"].mark, found["jax"].expected) == (Mark.WARN, "a GPU is seen")
    assert (found["curand"].mark, found["curand"].found) == (Mark.WARN, "not on this machine")
    assert (found["nv_hostengine"].mark, found["nv_hostengine"].fix) == (
        Mark.WARN, "sudo systemctl enable --now nvidia-dcgm",
    )  # fmt: skip
    assert sum("python_packages.py" in line for line in host.ran) <= 4  # one of each Python, not one of each part
    assert sum(line.startswith("dpkg-query") for line in host.ran) == 1


async def test_on_a_spark_unified_memory_is_no_fault() -> None:
    found = await look(machines.spark(), "dgx-spark")
    faults = {key: result for key, result in found.items() if result.mark in (Mark.FAIL, Mark.WARN)}
    assert set(faults) == {"node_exporter"}
    assert found["os"].found == "Ubuntu 24.04.3 LTS, DGX OS 7.3.1"
    assert found["gpu_memory"].found.startswith("unified")
    assert found["gpu"].found == "0: NVIDIA GB10, compute capability 12.1, 41 °C, 11 W"
    assert found["driver"].found == "580.95.05 (NVML)"
    assert found["cudnn"].mark is Mark.SKIP  # in containers there


@pytest.mark.parametrize("memory", ["[N/A]", "[Not Supported]", "Not Supported"])
async def test_nvidia_smi_without_memory_is_unified_memory(memory: str) -> None:
    host = machines.spark()
    host.tools["nvml.py"] = machines.NO_NVML
    host.tools["nvidia-smi --query"] = says(f"NVIDIA GB10, 580.95.05, {memory}, {memory}, 41, 11.02, 12.1, [N/A]\n")
    found = await look(host, "dgx-spark")
    assert found["gpu_memory"].mark is Mark.OK
    assert found["gpu"].mark is Mark.OK


async def test_a_spark_whose_memory_is_nearly_gone() -> None:
    host = machines.spark()
    host.files["/proc/meminfo"] = "MemTotal: 125500000 kB\nMemAvailable: 5000000 kB\n"
    memory = (await look(host, "dgx-spark"))["memory"]
    assert memory.mark is Mark.WARN
    assert "drop_caches" in memory.fix


async def test_a_spark_is_not_the_guides_machine() -> None:
    found = await look(machines.spark(), "dgx-guide")
    assert found["architecture"].mark is Mark.WARN
    assert (found["os"].mark, found["os"].expected) == (Mark.WARN, "ubuntu 22.04")
    assert found["driver"].mark is Mark.OK  # newer is well


async def test_mig_is_told() -> None:
    found = await look(machines.mig())
    assert found["gpu"].mark is Mark.OK
    assert "MIG on" in found["gpu"].found


async def test_a_hot_gpu_is_told() -> None:
    host = machines.guide()
    host.tools["nvidia-smi --query"] = says("NVIDIA H100, 550.54.15, 81559, 4, 87, 700.1, 9.0, Disabled\n")
    assert (await look(host))["gpu"].mark is Mark.WARN


async def test_a_driver_that_was_upgraded_without_a_reboot() -> None:
    found = await look(machines.mismatch())
    assert found["driver"].mark is Mark.FAIL
    assert "different versions" in found["driver"].found
    assert "module 550.54.15" in found["driver"].found
    assert found["driver"].fix == "sudo reboot"
    assert found["gpu"].mark is Mark.FAIL


async def test_a_driver_that_secure_boot_refuses() -> None:
    found = await look(machines.no_driver())
    assert found["driver"].mark is Mark.FAIL
    assert found["driver"].found.startswith("the driver is installed but not loaded; 1 NVIDIA GPU on the PCI bus")
    assert found["secure_boot"].mark is Mark.WARN
    assert "MOK" in found["secure_boot"].fix


async def test_a_machine_with_nothing_on_it() -> None:
    found = await look(FakeHost())
    assert found["driver"].found == (
        "no NVIDIA driver is installed: neither NVML nor nvidia-smi is there; no NVIDIA GPU on the PCI bus"
    )
    assert found["docker"].mark is Mark.FAIL
    assert found["gpu_container"].mark is Mark.SKIP
    assert not any("check itself failed" in result.found for result in found.values())


@pytest.mark.parametrize(
    ("output", "found", "fix"),
    [
        (
            complains(
                "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: "
                'Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.45/version": dial unix /var/run/docker.sock: connect: '
                "permission denied"
            ),
            "this user may not talk to it",
            "usermod -aG docker",
        ),
        (  # as Docker 29 says it
            complains("permission denied while trying to connect to the docker API at unix:///var/run/docker.sock"),
            "this user may not talk to it",
            "usermod -aG docker",
        ),
        (
            complains(
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
            ),
            "its daemon does not run",
            "systemctl enable --now docker",
        ),
        (Output(None, trouble="hangs"), "its daemon does not answer", "restart docker"),
        (Output(None, trouble="missing"), "not installed", "get.docker.com"),
    ],
)
async def test_dockers_troubles(output: Output, found: str, fix: str) -> None:
    host = machines.guide()
    host.tools |= dict.fromkeys(("docker version", "docker info", "docker image ls"), output)
    rows = await look(host)
    assert (rows["docker"].mark, rows["docker"].found) == (Mark.FAIL, found)
    assert fix in rows["docker"].fix
    for key in ("runtime", "gpu_container"):
        assert (rows[key].mark, rows[key].found) == (Mark.SKIP, "see Docker")
    assert rows["triton"].mark is Mark.WARN
    assert not any(line.startswith("docker run") for line in host.ran)


async def test_docker_without_the_nvidia_runtime() -> None:
    host = machines.guide()
    host.tools["docker info"] = says(json.dumps(machines.RUNTIMES))
    host.tools["docker run"] = machines.NO_DEVICE_DRIVER
    found = await look(host)
    assert found["runtime"].mark is Mark.FAIL
    assert "nvidia-ctk runtime configure" in found["runtime"].fix
    assert found["runtime"].found == "no NVIDIA runtime (there are: io.containerd.runc.v2, runc)"
    assert "could not select device driver" in found["gpu_container"].found
    assert found["gpu_container"].fix.startswith("sudo apt-get install nvidia-container-toolkit")
    assert found["gpu_container"].mark is Mark.FAIL


async def test_docker_without_compose_or_with_an_old_one() -> None:
    host = machines.guide()
    host.tools["docker compose version"] = complains("docker: unknown command: docker compose\n")
    missing = (await look(host))["compose"]
    assert (missing.mark, missing.found, missing.expected) == (Mark.WARN, "not installed", "at least 2.24")
    host.tools["docker compose version"] = says("2.21.0\n")
    assert (await look(host))["compose"].mark is Mark.WARN


async def test_the_doctor_fetches_no_image() -> None:
    host = machines.guide()
    await look(host)
    (run,) = [line for line in host.ran if line.startswith("docker run")]
    assert "--pull=never" in run
    assert "--network=none" in run
    assert run.endswith("--gpus=all --entrypoint=nvidia-smi ubuntu:22.04 -L")
    del host.tools["docker run"]
    host.tools["docker image ls"] = says("nvcr.io/nvidia/tritonserver:24.05-vllm-python-py3\n")
    container = (await look(host))["gpu_container"]
    assert (container.mark, container.fix) == (Mark.SKIP, "docker pull ubuntu")


async def test_images_and_containers_of_the_stack() -> None:
    host = machines.guide()
    triton, nemo = "nvcr.io/nvidia/tritonserver:24.05-vllm-python-py3", "nvcr.io/nvidia/nemo-automodel:26.02"
    host.tools["docker image ls"] = says(f"<none>:<none>\n{nemo}\n{triton}\nnvcr.io/nvidia/tensorflow:<none>\n")
    host.tools["docker ps"] = says(f"{triton}\tsophia-triton-1\n9c7a54a9a43c\tsomething\n")
    found = await look(host)
    assert found["triton"].found == f"image {triton}, runs as sophia-triton-1; what is in it was not looked at"
    assert (found["vllm"].mark, found["nemo"].version) == (Mark.OK, "26.02")
    assert found["tensorflow"].mark is Mark.OK
    mine = Manifest(title="mine", items={"nemo": Expectation(rule="exact", version="26.02")})
    assert (await look(host, mine))["nemo"].mark is Mark.OK
    host.tools["docker image ls"] = says("nvcr.io/nvidia/nemo-automodel:26.04\n")
    changed = (await look(host, mine))["nemo"]
    assert (changed.mark, changed.expected) == (Mark.WARN, "26.02")


async def test_selinux_enforcing_is_pointed_out() -> None:
    host = machines.guide()
    host.tools["getenforce"] = says("Enforcing\n")
    found = await look(host)
    assert found["selinux"].mark is Mark.WARN
    assert "container_use_devices" in found["selinux"].fix
    del host.tools["getenforce"]
    host.files["/sys/fs/selinux/enforce"] = "0"
    assert (await look(host))["selinux"].found == "permissive"


async def test_somebody_elses_port(monkeypatch: pytest.MonkeyPatch) -> None:
    async def yes(host: str, port: int, seconds: float = 2.0) -> bool:
        return True

    async def page(url: str) -> inventory.WebTrouble | object:
        from pipelines.doctor.web import Page

        if ":8888" in url:
            raise inventory.WebTrouble("no answer within 5 s")
        return Page(200, "node_memory_MemAvailable_bytes 1\n")

    monkeypatch.setattr(inventory, "listens", yes)
    monkeypatch.setattr(inventory, "get", page)
    found = await look(machines.guide())
    assert found["node_exporter"].mark is Mark.OK
    assert found["nv_hostengine"].mark is Mark.OK
    assert found["dcgm_exporter"].mark is Mark.WARN
    assert "somebody else has its port" in found["dcgm_exporter"].found
    assert found["jupyter"].mark is Mark.WARN


async def test_a_build_of_pytorch_without_cuda() -> None:
    host = machines.guide()
    report = '{"packages": {"torch": "2.3.0+cpu"}, "sees": {"torch": {"cuda": null, "gpus": []}}}'
    host.tools["python_packages.py"] = says(f"a greeting of some package\n{report}\n")
    torch = (await look(host))["torch"]
    assert torch.mark is Mark.WARN
    assert "a build without CUDA" in torch.found
    assert f"{sys.executable} -m pip install --force-reinstall torch --index-url" in torch.fix
    host.tools = {"python3 ": says(json.dumps(machines.PYTHON)), **host.tools}
    torch = (await look(host))["torch"]  # another Python has one that sees it
    assert torch.mark is Mark.OK
    assert torch.found == "2.3.0, sees NVIDIA H100 80GB HBM3 (python3)"


@pytest.mark.parametrize("part", inventory.PARTS, ids=lambda part: part.key)
async def test_a_remedy_brings_what_is_missing(part: inventory.Part) -> None:
    """What its command installs or pulls is what the doctor then takes for the part."""
    found = (await look(FakeHost()))[part.key]
    assert (found.mark, found.fix) == (Mark.WARN, part.fix)
    command = found.fix.partition("  #")[0]
    if pulled := re.search(r"docker pull (\S+:\S+)$", command):
        assert re.match(part.image or "(?!)", pulled[1])
    elif command.startswith("docker/ngc-pull.sh"):
        root = Path(__file__).parents[3]
        files = list((root / "docker").glob("docker-compose.*.yml"))
        if command.endswith("--training"):
            files = [root / "nova" / "training" / "recipes" / "run.sh"]
        names = "\n".join(file.read_text() for file in files)
        images = re.findall(r"(?:image: |IMAGE=)(?:\$\{\w+:-)?([^\s}]+)", names)
        assert any(re.match(part.image or "(?!)", image) for image in images)
    elif named := re.search(r"^(?:pip|conda) install (?:-c \S+ )*'?([\w-]+)", command):
        package = WANTED.fullmatch(named[1])
        assert package is not None
        assert package[1] == part.package
    else:
        assert (part.key, "kit-app-template" in command) == ("kit", True)


async def test_hostile_tools_are_survived() -> None:
    for output in (
        says("\x00" * 1000), says("{" * 100_000), says("[" * 100_000), says('{"gpus": [1, null, {"name": 5}]}'),
        says('{"gpus": {"a": 1}, "packages": [], "sees": 3}'), says(", , , , , , , \n" * 100), says("9" * 5000 + ".1"),
        complains("\ud800"), Output(None, trouble="hangs"), Output(None, error="exec format error", trouble="denied"),
    ):  # fmt: skip
        host = machines.guide()
        host.tools = dict.fromkeys(host.tools, output)
        host.files = dict.fromkeys(host.files, output.text)
        for key, result in (await look(host)).items():
            assert "check itself failed" not in result.found, (key, result)
            assert len(result.found) < 2000, key


async def test_the_exit_code_is_that_of_the_worst() -> None:
    context = Context(machines.spark(), read_manifest(find_manifest("dgx-spark")), Settings())
    findings = [finding async for finding in run_checks(BASE, context)]
    assert exit_code(findings) == 1
    assert exit_code([finding for finding in findings if finding.result.mark is not Mark.WARN]) == 0
    assert exit_code([]) == 0
