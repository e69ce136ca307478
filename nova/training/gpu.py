"""Whether this process can train on a GPU: asked before an hour of loading weights, not after it."""

from __future__ import annotations

from dataclasses import dataclass

from nova.training.chats import DataError
from nova.training.libraries import library

GIB = 1 << 30


class NoGpu(RuntimeError):
    """Training would not run here; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """What was found. Memory in bytes; on unified memory it is the machine's own, ``free`` what is left of it now."""

    name: str
    capability: tuple[int, int]
    total: int
    free: int
    cuda: str
    torch: str

    def __str__(self) -> str:
        major, minor = self.capability
        return (
            f"{self.name}, compute capability {major}.{minor}, "
            f"{self.free / GIB:.0f} of {self.total / GIB:.0f} GiB free; CUDA {self.cuda}, PyTorch {self.torch}"
        )


def check(need_gib: float = 0.0) -> Gpu:
    """The GPU, after a small product in bfloat16 on it. Raises :class:`NoGpu`."""
    try:
        torch = library("torch")
    except DataError as error:
        raise NoGpu(str(error)) from None
    if not torch.cuda.is_available():
        built = torch.version.cuda
        raise NoGpu(
            "PyTorch sees no GPU: start the container with --gpus all and look at nvidia-smi"
            if built
            else f"PyTorch {torch.__version__} is built without CUDA: run this in NVIDIA's container"
        )
    try:
        free, total = torch.cuda.mem_get_info()
        ones = torch.ones(256, 256, dtype=torch.bfloat16, device="cuda")
        if float((ones @ ones)[0, 0]) != 256.0:
            raise NoGpu("the GPU computes wrongly: see its XID errors in dmesg")
    except RuntimeError as error:
        if isinstance(error, NoGpu):
            raise
        raise NoGpu(f"the GPU is there but does not compute: {str(error).splitlines()[0][:160]}") from None
    found = Gpu(
        torch.cuda.get_device_name(), torch.cuda.get_device_capability(), total, free, str(torch.version.cuda),
        torch.__version__,
    )  # fmt: skip
    if free < need_gib * GIB:
        raise NoGpu(f"{free / GIB:.0f} GiB are free, {need_gib:g} are needed: stop what else uses the memory")
    return found
