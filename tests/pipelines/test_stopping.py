"""Ctrl+C and SIGTERM, in real processes: a program ends in good order, and in any case soon."""

import os
import signal
import subprocess
import sys

import pytest

HEAD = """
import asyncio, os, time
from pipelines.command.stopping import told_to_stop, until_stopped

async def ready():
    print("ready", flush=True)
    await asyncio.sleep(30)
    return 0
"""


def ended(body, *signals):
    """How a program ends that is sent ``signals`` once it is ready: exit code and what it said."""
    with subprocess.Popen(
        [sys.executable, "-c", HEAD + body], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        for number in signals:
            process.send_signal(number)
        said, trouble = process.communicate(timeout=20)
        assert trouble == ""
        return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_cannot_end_by_itself_is_cancelled(number):
    body = 'print(asyncio.run(until_stopped(ready(), lambda: print("asked") or False)))'
    assert ended(body, number) == (0, "asked\n130\n")


def test_what_ends_by_itself_has_its_own_exit_code():
    body = """
async def main():
    over = asyncio.Event()
    async def work():
        print("ready", flush=True)
        await over.wait()
        return 7
    return await until_stopped(work(), lambda: over.set() or True)
print(asyncio.run(main()))
"""
    assert ended(body, signal.SIGINT) == (0, "7\n")


def test_what_does_not_end_is_ended_by_force_and_a_terminal_mended_first():
    body = """
async def stubborn():
    while True:
        try:
            await ready()
        except asyncio.CancelledError:
            print("no", flush=True)
asyncio.run(until_stopped(stubborn(), lambda: False, last=lambda: print("mended", flush=True)))
"""
    code, said = ended(body, signal.SIGTERM)
    assert code == 130
    assert said == "no\nready\nmended\n"


def test_the_end_of_the_interpreter_is_left_out_where_there_is_a_hurry():
    body = """
import threading
from pipelines.command.run import run

def main():
    threading.Thread(target=time.sleep, args=(60,)).start()  # Python would wait for it
    code = asyncio.run(until_stopped(ready(), lambda: False))
    print("closed")
    return code
run(main)
"""
    assert ended(body, signal.SIGTERM) == (130, "closed\n")


def test_a_program_that_nobody_stopped_ends_as_python_does():
    body = """
import atexit
from pipelines.command.run import run
atexit.register(print, "bye")
run(lambda: 3)
"""
    done = subprocess.run([sys.executable, "-c", HEAD + body], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "bye\n", "")


def test_whoever_may_take_its_time_is_not_forced():
    body = """
async def main():
    over = asyncio.Event()
    with told_to_stop(over.set, within=None):
        print("ready", flush=True)
        await over.wait()
        await asyncio.sleep(2.2)
    print("done", flush=True)
    os.kill(os.getpid(), 2)
    await asyncio.sleep(5)
asyncio.run(main())
"""
    process = subprocess.Popen(
        [sys.executable, "-c", HEAD + body], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with process:
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert said == "done\n"
    assert process.returncode != 0, "after the block a signal does what it does to any program"
