"""The processes of a search end with the program, even where it is killed and can end nothing itself."""

import os
import select
import subprocess
import sys

import pytest

PROGRAM = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from pipelines.tune.workers import _begin

with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, (None,)) as pool:
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has died")
def test_workers_end_with_a_program_that_is_killed():
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as program:
        worker = os.pidfd_open(int(program.stdout.readline()))
        program.kill()
    try:
        ended, _, _ = select.select([worker], [], [], 30)
    finally:
        os.close(worker)
    assert ended
