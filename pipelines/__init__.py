"""The asyncio graph that joins ears, mind, voice and face, and the programs that people run."""

import os

# Before gRPC is first imported: its core writes past every display, and failures are explained in plain words anyway.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
