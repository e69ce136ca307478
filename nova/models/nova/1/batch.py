"""The in-flight batching loop: one thread, generations join and leave at token boundaries.

It stands for the decoder of a real language model: each step gives every running generation one token. Knows nothing
of Triton, so it can be tested alone.
"""

import threading
import time
from collections import deque


class Generation:
    """One answer under way. Subclasses say how a piece is sent and whether the client still wants it."""

    def __init__(self, pieces):
        self.pieces = deque(pieces or [""])
        self.due = 0.0

    def cancelled(self):
        raise NotImplementedError

    def emit(self, piece, last):
        raise NotImplementedError

    def abandon(self, reason=None):
        """Ends without the rest of the text: silently after a cancellation, else with an error."""
        raise NotImplementedError


class Batch:
    """Runs up to ``slots`` generations at once; ``backlog`` more may wait, the next is refused.

    ``first_token`` is the time from arrival to the first token, ``token`` the time from each to the next, in seconds.
    """

    def __init__(self, slots, first_token, token, backlog=64):
        self.slots, self.first_token, self.token, self.backlog = slots, first_token, token, backlog
        self.running, self.waiting = [], deque()
        self.changed = threading.Condition()
        self.closed = False
        self.thread = threading.Thread(target=self.run, name="nova-batch", daemon=True)
        self.thread.start()

    def add(self, generation):
        """Queues a generation; false if there is no room."""
        with self.changed:
            if self.closed or len(self.waiting) >= self.backlog:
                return False
            self.waiting.append(generation)
            self.changed.notify()
            return True

    def close(self):
        """Ends every generation with an error and stops the thread."""
        with self.changed:
            self.closed = True
            self.changed.notify()
        self.thread.join(2.0)

    def run(self):
        while self.await_step():
            now = time.monotonic()
            self.running = [g for g in self.running if g.due > now or self.step(g, now)]
        for generation in [*self.running, *self.waiting]:
            self.guarded(generation.abandon, "the server is shutting down")

    def await_step(self):
        """Waits until a token is due; admits newcomers meanwhile. False when closed."""
        with self.changed:
            while not self.closed:
                now = time.monotonic()
                while self.waiting and len(self.running) < self.slots:
                    generation = self.waiting.popleft()
                    generation.due = now + self.first_token
                    self.running.append(generation)
                delay = min((g.due for g in self.running), default=now + 60.0) - now
                if delay <= 0:
                    return True
                self.changed.wait(delay)
        return False

    def step(self, generation, now):
        """One token of one generation; whether it goes on."""
        try:
            if generation.cancelled():
                generation.abandon()
                return False
            piece = generation.pieces.popleft()
            last = not generation.pieces
            generation.emit(piece, last)
        except Exception as error:  # one broken generation must not end the others
            self.guarded(generation.abandon, f"generation failed: {error}")
            return False
        # The schedule is kept unless the machine fell far behind: then there is no rush to catch up.
        generation.due = max(generation.due + self.token, now)
        return not last

    def guarded(self, action, *args):
        """An end that cannot be delivered, because the server has dropped the request, is no loss."""
        try:
            action(*args)
        except Exception:
            return
