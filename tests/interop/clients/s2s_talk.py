"""huggingface speech-to-speech: the command ``speech-to-speech talk``, with a sound card of ours.

Its module sounddevice is the only thing that is simulated: streams that call back in real time, as PortAudio's do. What
was said and heard is what the command prints for its user. The events that it is given are noted on the way.
"""

import asyncio
import base64
import os
import signal
import sys
import threading
import time
import types
import wave

from scene import KEY, RATE, SOCKET, SOUNDS, News, ask, saw


class Card:
    """What is said into it, and for how long it has played something."""

    def __init__(self):
        self.said = b""
        self.played = 0  # samples of blocks with sound
        self.lock = threading.Lock()
        self.told = lambda: None

    def say(self, name):
        with wave.open(str(SOUNDS / f"{name}.wav")) as file, self.lock:
            self.said += file.readframes(file.getnframes())


CARD = Card()


class Stream:
    """One direction, in a thread of its own."""

    def __init__(self, *, callback, samplerate, blocksize, **more):
        assert samplerate == RATE
        assert (more["channels"], more["dtype"]) == (1, "int16")
        self.callback, self.blocksize = callback, blocksize
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()

    def run(self):
        due = time.monotonic()
        while not self.stopped.wait(max(0.0, due - time.monotonic())):
            due += self.block() / RATE

    def stop(self):
        self.stopped.set()

    def close(self):
        self.thread.join(1.0)


class Microphone(Stream):
    def block(self):
        with CARD.lock:
            data, CARD.said = CARD.said or bytes(2 * self.blocksize), b""
        self.callback(data, len(data) // 2, None, None)
        return len(data) // 2


class Loudspeaker(Stream):
    def block(self):
        data = bytearray(2 * self.blocksize)
        self.callback(data, self.blocksize, None, None)
        if any(data):
            CARD.played += self.blocksize
            CARD.told()
        return self.blocksize


sys.modules["sounddevice"] = types.ModuleType("sounddevice")
sys.modules["sounddevice"].RawInputStream, sys.modules["sounddevice"].RawOutputStream = Microphone, Loudspeaker

from speech_to_speech import cli  # noqa: E402 - after its sound card
from speech_to_speech.api.openai_realtime import audio_client  # noqa: E402


class Screen:
    """What the command prints, by lines."""

    encoding = "utf-8"

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return False

    def lines(self, who):
        return [line.removeprefix(f"{who}: ") for line in self.text.splitlines() if line.startswith(f"{who}: ")]


class Talk:
    """The command's runs, as the scene sees them from its own thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.news = News()
        self.events = []
        self.screen = Screen()
        self.runs = threading.Semaphore(1)
        self.ended = 0
        self.over = False

    def told(self):
        self.loop.call_soon_threadsafe(self.news.tell)

    def of(self, kind):
        return [event for event in self.events if event.type == kind]

    async def count(self, kind, number):
        await self.news.until(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]

    async def turn(self, words, number):
        before = CARD.played
        await ask("hear", words=words)
        CARD.say("question")
        done = (await self.count("response.done", number)).response
        item = done.output[0].id
        deltas = [e.delta for e in self.of("response.output_audio_transcript.delta") if e.item_id == item]
        sound = sum(len(base64.b64decode(e.delta)) for e in self.of("response.output_audio.delta") if e.item_id == item)
        await self.news.until(lambda: CARD.played - before >= sound // 2)
        await self.news.until(lambda: len(self.screen.lines("ASSISTANT")) == number)
        saw(
            "turn",
            user=self.screen.lines("USER")[-1],
            agent=self.screen.lines("ASSISTANT")[-1],
            deltas="".join(deltas),
            seconds=(CARD.played - before) / RATE,
            status=done.status,
        )

    async def asks(self, words, number):
        """Asks by voice; returns the reply's item when a second of it was played."""
        before = CARD.played
        await ask("hear", words=words)
        CARD.say("question")
        item = (await self.count("response.output_item.added", number)).item
        await self.news.until(lambda: CARD.played - before > RATE)
        return item

    async def scene(self):
        await self.count("session.updated", 1)
        await self.turn("where is my order", 1)
        await self.turn("and where is the other one", 2)

        await self.asks("where is my order", 3)
        starts = len(self.of("input_audio_buffer.speech_started"))
        await ask("hear", words="mhm")
        CARD.say("backchannel")
        done = (await self.count("response.done", 3)).response
        saw("backchannel", status=done.status, starts=len(self.of("input_audio_buffer.speech_started")) - starts)

        item = await self.asks("where is my order", 4)
        await ask("hear", words="no stop that please")
        CARD.say("question")
        done = (await self.count("response.done", 4)).response
        cut = await self.count("conversation.item.truncated", 1)
        kept = next(e.item for e in self.of("conversation.item.done") if e.item.id == item.id)
        saw(
            "interruption",
            status=done.status,
            reason=done.status_details.reason,
            heard=self.screen.lines("ASSISTANT")[3],
            item=kept.status,
            server=cut.sophia["heard"],
        )
        await self.count("response.done", 5)
        await self.turn("where is my order", 6)

        ended = self.ended
        await ask("kill")
        await self.news.until(lambda: self.ended > ended, 5.0)
        await ask("restart")
        before = len(self.events)
        self.runs.release()
        await self.news.until(lambda: len(self.events) > before)
        saw("again", first=self.events[before].type)


def main(talk, *more):
    """Runs a scene beside the command, which has further arguments."""
    CARD.told = talk.told
    handle = audio_client.handle_server_event

    def noted(event, **more):
        handle(event, **more)
        talk.events.append(event)
        if event.type == "error":
            saw("error", code=event.error.code, message=event.error.message)
        talk.told()

    audio_client.handle_server_event = noted
    failed = []

    def scene():
        try:
            talk.loop.run_until_complete(talk.scene())
        except BaseException as error:
            failed.append(error)
        talk.over = True
        talk.runs.release()
        os.kill(os.getpid(), signal.SIGINT)

    sys.stdout = talk.screen
    sys.argv = ["speech-to-speech", "talk", "--url", SOCKET, "--api-key", KEY, "--model", "sophia"]
    sys.argv += ["--send-rate", str(RATE), "--recv-rate", str(RATE), "--chunk-size", str(RATE // 50)]
    sys.argv += more
    thread = threading.Thread(target=scene)
    thread.start()
    while not talk.over:
        talk.runs.acquire()
        try:
            if not talk.over:
                cli.main()
        except Exception as error:  # the command ends when its server does
            print(error, file=sys.stderr)
        except KeyboardInterrupt:
            break
        talk.ended += 1
        talk.told()
    thread.join()
    if failed:
        raise failed[0]


if __name__ == "__main__":
    main(Talk())
