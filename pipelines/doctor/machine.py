"""Base, the machine: operating system, secure boot, SELinux, driver, GPUs and their memory."""

from __future__ import annotations

from typing import Final

from pipelines.doctor import gpus
from pipelines.doctor.checklist import Check, Context, Probe
from pipelines.doctor.finding import Result, fail, ok, skip, warn
from pipelines.doctor.gpus import Gpus
from pipelines.doctor.manifest import numbers

INSTALL_DRIVER: Final = "sudo ubuntu-drivers install --gpgpu && sudo reboot  # on a DGX: update DGX OS instead"
MEMORY_LOW_GIB: Final = 12
"""Memory available below which services that share it with the GPU are in danger."""
HOT: Final = 80
"""°C above which GPUs begin to slow down; the alert ``gpu_overtemp`` uses the same."""

_WHY_DRIVER: Final = {
    "missing": ("no NVIDIA driver is installed: neither NVML nor nvidia-smi is there", INSTALL_DRIVER),
    "no driver": (
        "the driver is installed but not loaded",
        f"sudo modprobe nvidia; if that fails, see: sudo dmesg | grep -i nvidia; then {INSTALL_DRIVER}",
    ),
    "mismatch": ("the loaded kernel module and the driver's library are of different versions", "sudo reboot"),
    "no device": ("the driver is loaded, but it finds no GPU", "sudo dmesg | grep -iE 'nvrm|xid'; lspci -d 10de:"),
    "hangs": ("the driver does not answer", "sudo dmesg | grep -iE 'nvrm|xid'; a reboot may be needed"),
    "unreadable": ("what the driver says is not understood", "nvidia-smi"),
}


def os_release(text: str) -> dict[str, str]:
    """The fields of ``/etc/os-release``, or of DGX OS's own file, quotes taken off."""
    pairs = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {key.strip(): value.strip().strip("\"'")[:100] for key, equals, value in pairs if equals}


async def _os(c: Context) -> Result:
    release = os_release(c.host.read("/etc/os-release") or "")
    name = release.get("PRETTY_NAME") or release.get("NAME")
    if not name:
        return warn("/etc/os-release cannot be read", "use a distribution that NVIDIA supports")
    dgx = os_release(c.host.read("/etc/dgx-release") or "")
    about = f"{name}, DGX OS {dgx.get('DGX_SWBUILD_VERSION', '')}".rstrip() if dgx else name
    version = f"{release.get('ID', '')} {release.get('VERSION_ID', '')}".strip()
    return c.judge("os", version or name, about, "install the release that the manifest names; on a DGX, keep DGX OS")


async def _kernel(c: Context) -> Result:
    release, _ = c.host.kernel()
    return c.judge("kernel", release, release, "sudo apt-get full-upgrade")


async def _architecture(c: Context) -> Result:
    _, machine = c.host.kernel()
    return c.judge("architecture", machine, machine, "choose the manifest of this machine: --manifest")


async def _memory(c: Context) -> Result:
    fields = {
        key.strip(): numbers(value) for key, _, value in map(_colon, (c.host.read("/proc/meminfo") or "").splitlines())
    }
    total, free = fields.get("MemTotal"), fields.get("MemAvailable")
    if not total or not free:
        return warn("/proc/meminfo cannot be read", "run the doctor where /proc is mounted")
    gib = free[0] / 2**20
    found = f"{total[0] / 2**20:.0f} GiB, {gib:.0f} GiB available"
    report = await _gpus(c)
    if report.found and all(gpu.memory is None for gpu in report.found) and gib < MEMORY_LOW_GIB:
        drop = "sudo sh -c 'sync; echo 3 > /proc/sys/vm/drop_caches'"
        return warn(f"{found}; the GPU has no other memory", drop, f"at least {MEMORY_LOW_GIB} GiB available")
    return c.judge("memory", f"{total[0] / 2**20:.0f}", found, "stop what is not needed")


async def _secure_boot(c: Context) -> Result:
    asked = await c.host.run("mokutil", "--sb-state")
    said = f"{asked.text} {asked.error}".casefold()
    if "secureboot enabled" in said:
        report = await _gpus(c)
        if "driver" in c.manifest.items and report.why in ("missing", "no driver") and _nvidia_pci(c):
            sign = "sudo mokutil --import /var/lib/shim-signed/mok/MOK.der, then reboot and enrol the key"
            return warn("on, and no NVIDIA driver is loaded: an unsigned module would be refused", sign)
        return ok("on", "enabled")
    if "secureboot disabled" in said:
        return ok("off", "disabled")
    if "not supported" in said or not c.host.names("/sys/firmware/efi"):
        return skip("this machine was not started by UEFI")
    return skip("mokutil does not tell", "sudo apt-get install mokutil")


async def _selinux(c: Context) -> Result:
    enforcing = c.host.read("/sys/fs/selinux/enforce")
    asked = await c.host.run("getenforce")
    state = asked.text.strip().casefold() if asked.good else {"1": "enforcing", "0": "permissive"}.get(enforcing or "")
    if state == "enforcing" and "driver" in c.manifest.items:
        return warn("enforcing: containers may be kept from the GPU", "sudo setsebool -P container_use_devices on")
    if state in ("enforcing", "permissive", "disabled"):
        return ok(state, state)
    return skip("not there")


async def _gpus(c: Context) -> Gpus:
    return await c.once("gpus", lambda: gpus.ask(c.host))


def _nvidia_pci(c: Context) -> int:
    """How many display or 3D devices of NVIDIA are on the PCI bus, whether or not a driver knows them."""
    devices = c.host.names("/sys/bus/pci/devices/*")
    return sum(
        (c.host.read(f"{device}/vendor") or "").strip() == "0x10de"
        and (c.host.read(f"{device}/class") or "").startswith("0x03")
        for device in devices
    )


async def _driver(c: Context) -> Result:
    report = await _gpus(c)
    loaded = gpus.kernel_module(c.host.read("/proc/driver/nvidia/version"))
    if report.why is None or report.driver:
        version = report.driver or loaded
        return c.judge("driver", version, f"{version or 'of unknown version'} ({report.source})", INSTALL_DRIVER)
    line, fix = _WHY_DRIVER[report.why]
    expected = c.manifest.judge("driver", None)[1]
    if report.why in ("missing", "no driver") and not loaded:
        pci = _nvidia_pci(c)
        line += (
            f"; {pci} NVIDIA GPU{'s' if pci > 1 else ''} on the PCI bus" if pci else "; no NVIDIA GPU on the PCI bus"
        )
        if "driver" not in c.manifest.items:  # as on a laptop, whose GPU nothing of ours uses
            return skip(line)
        fix = fix if pci else "run the services on a machine with a GPU, and name it in --config"
    said = f" ({report.said})" if report.said and report.why != "missing" else ""
    return fail(f"{line}{f'; module {loaded}' if loaded else ''}{said}", fix, expected)


async def _devices(c: Context) -> Result:
    report = await _gpus(c)
    if not report.found:
        return c.judge("gpu", None, "none", "see driver")
    shown, hot = [], False
    for number, gpu in enumerate(report.found):
        about = [f"{number}: {gpu.name}"]
        about += [f"compute capability {gpu.capability}"] if gpu.capability else []
        about += [f"{gpu.temperature:.0f} °C"] if gpu.temperature is not None else []
        about += [f"{gpu.power:.0f} W"] if gpu.power is not None else []
        about += ["MIG on: each service sees one slice only"] if gpu.mig else []
        shown.append(", ".join(about))
        hot = hot or (gpu.temperature or 0) > HOT
    if hot:
        return warn("\n".join(shown), "look at fans and load: nvidia-smi -q -d TEMPERATURE,PERFORMANCE", f"≤ {HOT} °C")
    return c.judge("gpu", report.found[0].name, "\n".join(shown), "choose the manifest of this machine: --manifest")


async def _gpu_memory(c: Context) -> Result:
    report = await _gpus(c)
    if not report.found:
        return skip("there is no GPU")
    if all(gpu.memory is None for gpu in report.found):
        return c.judge("gpu_memory", "unified", "unified: GPU and processor share the machine's memory", "see memory")
    shown = [f"{gpu.memory:.0f} MiB, {gpu.used or 0:.0f} in use" if gpu.memory else "unified" for gpu in report.found]
    least = min(gpu.memory for gpu in report.found if gpu.memory)
    return c.judge("gpu_memory", f"{least:.0f}", "; ".join(shown), "use smaller models, or a GPU with more memory")


async def _cuda_driver(c: Context) -> Result:
    report = await _gpus(c)
    fix = INSTALL_DRIVER if report.found else "see driver"
    return c.judge("cuda_driver", report.cuda, report.cuda or "unknown: no driver answers", fix)


def _colon(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def _check(key: str, title: str, why: str, probe: Probe, seconds: float = 40.0) -> Check:
    return Check("base", "machine", key, title, why, probe, seconds)


MACHINE: Final = (
    _check("os", "operating system", "drivers and containers are made for certain releases", _os),
    _check("kernel", "kernel", "the driver's module is built for the running kernel", _kernel),
    _check("architecture", "architecture", "images for x86-64 do not run on a Spark, nor the other way", _architecture),
    _check("memory", "memory", "on unified memory a greedy model takes it from everybody else", _memory),
    _check("secure_boot", "secure boot", "it refuses a driver that is not signed", _secure_boot),
    _check("selinux", "SELinux", "it may keep containers from the GPU's devices", _selinux),
    _check("driver", "NVIDIA driver", "without it there is no GPU for anything", _driver),
    _check("gpu", "GPUs", "Riva, Nova and Audio2Face run on them", _devices),
    _check("gpu_memory", "GPU memory", "all models have to fit into it together", _gpu_memory),
    _check("cuda_driver", "CUDA of the driver", "a container with a newer CUDA than this does not start", _cuda_driver),
)
"""In the order in which they are shown."""
