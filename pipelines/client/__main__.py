"""Talk to a Sophia server from this terminal: microphone and loudspeaker are here, everything else is there.

python -m pipelines.client                                      the server of this machine
python -m pipelines.client 'https://spark:8765/#key=…' --ca ca.crt  as the server prints its address; ca.crt from there
python -m pipelines.client http://hub:8700 --pool --key-file key    one of a pool; the address is of its lease endpoint
python -m pipelines.client --headphones                         her voice cannot come back through the microphone
python -m pipelines.client --soundbite hello.wav --reply her.wav    no sound card is needed

Typed lines are answered as spoken ones are. Ctrl+C ends it.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from pipelines.client.address import Address, BadAddress, find_server
from pipelines.client.conversation import Client, Refused
from pipelines.client.voice import RATE
from pipelines.command.endings import one_line, say
from pipelines.command.run import run
from pipelines.settings.arguments import add_settings, settings_of
from pipelines.settings.model import Settings, SettingsError
from pipelines.talk.devices import open_devices, read_bites
from sophia.microphone import MicrophoneError
from sophia.sinks import SinkError
from sophia.wav import WavError

REFUSED, BAD = 3, 2
"""Exit codes, as the other programs have them."""


async def talk(server: Address, settings: Settings, args: argparse.Namespace) -> None:
    """Holds the conversation."""
    devices = open_devices(settings, read_bites(args.soundbite), args.reply, RATE, lambda event: None)
    for note in devices.notes:
        print(note, flush=True)
    print(f"Talking to {server.url}. Type, or speak; Ctrl+C ends it.", flush=True)
    client = Client(server, devices, headphones=args.headphones, say=lambda line: print(one_line(line), flush=True))
    try:
        await client.run()
    except ExceptionGroup as group:  # one cause, and what it took along
        raise group.exceptions[0] from None


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the client and returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.client", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("server", nargs="?", default="http://127.0.0.1:8765/", help="address of the server (default: %(default)s)")
    add("--key-file", type=Path, metavar="FILE", help="holds the key (default: that of the address)")
    add("--ca", type=Path, metavar="FILE", help="the authority that signed the server's certificate, PEM")
    add("--pool", action="store_true", help="the address is that of a pool's lease endpoint")
    add("--headphones", action="store_true", help="do not keep her voice out of the microphone's sound")
    add("--soundbite", type=Path, action="append", default=[], metavar="WAV", help="say this; may be repeated")
    add("--reply", type=Path, metavar="WAV", help="write her voice into a file in place of the loudspeaker")
    add_settings(parser)
    args = parser.parse_args(argv)
    args.set += ["microphone.echo=off"] if args.headphones else []
    try:
        asyncio.run(talk(find_server(args.server, args.key_file, args.ca, pool=args.pool), settings_of(args), args))
    except (BadAddress, SettingsError, WavError, Refused, SinkError, MicrophoneError) as error:
        say(*str(error).splitlines())
        return BAD if isinstance(error, BadAddress | SettingsError | WavError) else REFUSED
    return 0


if __name__ == "__main__":
    run(main)
