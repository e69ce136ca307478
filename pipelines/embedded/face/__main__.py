"""``python -m pipelines.embedded.face --tls DIR | --plaintext [--host 127.0.0.1] [--port 0] [--streams 10]``."""

from __future__ import annotations

import os

from pipelines.embedded import child


def main() -> None:
    """Serves Audio2Face until told to stop."""
    parser = child.parser("Embedded Audio2Face-3D: sound in, blendshapes out.")
    parser.add_argument("--streams", type=int, default=10, help="most clips at once (default: %(default)s)")
    arguments = parser.parse_args()
    # The network is too small to gain from threads, and idle ones would spin. Has to be set before numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from pipelines.embedded.face.limits import Limits  # noqa: PLC0415
    from pipelines.embedded.face.server import serve  # noqa: PLC0415

    child.run(lambda: serve(child.options(arguments), Limits(streams=arguments.streams)))


if __name__ == "__main__":
    main()
