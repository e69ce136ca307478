"""``python -m pipelines.embedded.face --tls DIR | --plaintext [--streams 10] [--network DIR …]``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.embedded import child

if TYPE_CHECKING:
    from pipelines.embedded.face.engine import Engine


def main() -> None:
    """Serves Audio2Face until told to stop."""
    parser = child.parser("Embedded Audio2Face-3D: sound in, blendshapes out.")
    parser.add_argument("--streams", type=int, default=10, help="most clips at once (default: %(default)s)")
    network = parser.add_argument_group("NVIDIA's open network in place of the small lips")
    network.add_argument("--network", type=Path, metavar="DIR", help="folder of an Audio2Face-3D model, v2.3 or v2.3.1")
    network.add_argument("--provider", choices=("auto", "cpu", "cuda"), default="auto", help="where it runs")
    network.add_argument("--threads", type=int, default=0, choices=range(65), metavar="N", help="0: half the cores")
    network.add_argument("--fps", choices=("auto", "30", "15"), default="auto", help="frames a second that it runs for")
    network.add_argument("--tongue", action="store_true", help="16 tongue shapes besides")
    network.add_argument("--unverified", action="store_true", help="do not compare the files with NVIDIA's checksums")
    arguments = parser.parse_args()
    # numpy's matrices here are too small to gain from threads, and idle ones would spin. Set before it is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from pipelines.embedded.face.limits import Limits  # noqa: PLC0415
    from pipelines.embedded.face.server import serve  # noqa: PLC0415

    child.run(lambda: serve(child.options(arguments), Limits(streams=arguments.streams), _maker(arguments)))


def _maker(arguments: argparse.Namespace) -> Callable[[], Engine]:
    if arguments.network is None:
        from pipelines.embedded.face.lips import Lips  # noqa: PLC0415

        return Lips
    from pipelines.embedded.face.network.engine import NetworkEngine  # noqa: PLC0415
    from pipelines.settings.network import NetworkSettings  # noqa: PLC0415

    options = NetworkSettings(
        provider=arguments.provider,
        threads=arguments.threads,
        fps=arguments.fps,
        tongue=arguments.tongue,
        verify=not arguments.unverified,
    )
    return lambda: NetworkEngine(arguments.network, options)


if __name__ == "__main__":
    main()
