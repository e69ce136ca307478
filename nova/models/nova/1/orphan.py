"""Ends the model's process when its server is gone: a server that is killed now and then leaves its stub behind."""

import os
import threading
import time

STUB = "triton_python_backend_stub"
LOOK_SECONDS = 0.5
GRACE_SECONDS = 2.0  # most stubs notice by themselves, and then clear away their shared memory


def end_with_server():
    """Watches, in a thread, for the end of the server that started this stub; does nothing in any other process.

    The kernel's own signal at a parent's death will not do: it is sent when the thread that forked ends, and Triton
    forks its stubs from a thread that it does not keep.
    """
    try:
        stub = os.path.basename(os.readlink("/proc/self/exe")) == STUB
    except OSError:  # no Linux
        return
    if stub:
        threading.Thread(target=_watch, args=(os.getppid(),), name="orphan watch", daemon=True).start()


def _watch(server):
    while os.getppid() == server:
        time.sleep(LOOK_SECONDS)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
