"""What is one a process: services, clients, telemetry, the voice detector's network, the canned phrases.

    async with Runtime(settings) as runtime:
        session = runtime.session(source, sink, observers=[…])
        await session.run()

Any number of sessions may run side by side; they share connections and one network, whose judgements are batched.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from nova.history import History
from nova.tools import Tool, Toolbox
from pipelines.conversation.components import Components
from pipelines.conversation.conversation import NOTHING
from pipelines.conversation.measured import Measured
from pipelines.conversation.observers import Observer
from pipelines.conversation.phrases import Phrases
from pipelines.conversation.tongues import Speech
from pipelines.embedded.speech.fetched import turn_model
from pipelines.embedded.supervisor import EmbeddedServices
from pipelines.failures import Failure, StageFailed
from pipelines.home import home
from pipelines.services.certificates import watch_certificates
from pipelines.services.connect import WARM_UP_SECONDS, Services, connected, endpoints, warm_up
from pipelines.services.diagnosis import diagnose
from pipelines.services.found_model import with_model
from pipelines.settings.fingerprint import fingerprint
from pipelines.settings.insights import Consent
from pipelines.settings.languages import without_words
from pipelines.settings.model import Service, Settings
from pipelines.takes.keeping import Keeping
from pipelines.talk.garbage import swept
from pipelines.talk.greeting import Greeting
from pipelines.talk.persona import with_moods
from pipelines.talk.session import Session
from pipelines.telemetry.provenance import Mode, Models, Provenance
from pipelines.telemetry.setup import Telemetry
from pipelines.telemetry.spans import Labels
from pipelines.tools.opened import opened
from pipelines.tools.place import SessionPlace
from pipelines.tools.workshop import Workshop
from pipelines.versions.arms import Arms, Given
from pipelines.versions.store import Store, read_key
from sophia.audio import AudioSource, Pcm
from sophia.echo import EchoGuard
from sophia.events import AskRequested, EarsBack, EarsLost, SayRequested
from sophia.silero import SileroModel, VoiceDetector
from sophia.sinks import Sink
from sophia.smart_turn import SmartTurn
from sophia.sounded import ThreadedJudge, sounded
from sophia.turns import TurnTaking

DEVICE_PATIENCE = 300.0
"""Seconds that somebody at a microphone waits for a recogniser that is away: a speech NIM takes minutes to start."""

SOUNDBITE_PATIENCE = 20.0
"""The same where soundbites are played: nobody is there to wait, and a script wants to know."""

MOST_GIVEN = 256
"""Conversations that may be named and not yet begun; the settings of older ones are looked up anew."""

OWN_MODES = ("microphone", "soundbite")
"""How somebody talks who sits at this machine: one person, as far as memory goes."""

SESSIONS_A_CONNECTION = 32
"""Sessions that share one connection to a service. A proxy bounds the streams of a connection (HAProxy: 100), and a
session has up to three at a time."""


class Runtime:
    """The runtime of a process; enter it before sessions are made, in the loop that runs them.

    ``settings`` say where the services are; those that are ``embedded`` are started, and ``settings`` then tells where.
    ``sessions`` is how many will run side by side at most. ``tools`` she may use beside those of the settings.
    ``notice`` is handed lines worth telling; it may be called from any thread. While it is entered, Python looks for
    garbage when :mod:`pipelines.talk.garbage` says.

    Entering raises :class:`~pipelines.failures.StageFailed` for a service that cannot be used, a
    :class:`~pipelines.embedded.process.ServiceFailed` for an embedded one that does not start, and a
    :class:`~pipelines.telemetry.setup.TelemetryError`, and a :class:`~sophia.smart_turn.TurnModelUnusable` where the
    settings want that model. A face that cannot be used is no error: see ``faceless``.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        sessions: int = 1,
        tools: Sequence[Tool] = (),
        notice: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.asked = settings
        """The settings as they were given: the same in every run, wherever the embedded services turn out to be."""
        self.settings = settings
        self.phrases = Phrases(settings.turns.language)
        self._others = {tag: Phrases(tag) for tag in settings.turns.languages if tag != settings.tts.language}
        self.faceless: Failure | None = None
        """Why there is no face, though the settings ask for one: she goes on without."""
        self._connections = -(-max(1, sessions) // SESSIONS_A_CONNECTION)
        self._notice = notice
        self._given_tools = tuple(tools)
        self._workshop: Workshop | None = None
        self._stack = AsyncExitStack()
        self._services: list[Services] = []
        self._users: list[int] = []
        self._over: Callable[[int], None] = lambda left: None
        self._telemetry: Telemetry | None = None
        self._keeping: Keeping | None = None
        self._model: SileroModel | None = None
        self._judge: ThreadedJudge | None = None
        self._arms: Arms | None = None
        self._given: OrderedDict[str, Given] = OrderedDict()

    @property
    def telemetry(self) -> Telemetry:
        """Spans and metrics of the process."""
        assert self._telemetry is not None, "the runtime has not been entered"
        return self._telemetry

    @property
    def keeping(self) -> Keeping:
        """What is kept of conversations, by the settings' group ``insights``."""
        assert self._keeping is not None, "the runtime has not been entered"
        return self._keeping

    @property
    def reply_rate(self) -> int:
        """The voice's rate in Hz: what a sink is handed."""
        return self._services[0].tts.rate

    @property
    def away(self) -> list[str]:
        """Services that a conversation needs, and that cannot be connected to just now."""
        return sorted({name for services in self._services for name in services.away()})

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _open(self) -> None:
        stack, loop = self._stack, asyncio.get_running_loop()
        if line := without_words(self.settings.turns):
            self._notice(line)
        await self._find_model()
        await self._find_turn_model()
        if self.settings.embedded_services:
            embedded = EmbeddedServices(self.settings, home(), self._notice)
            self.settings = (await stack.enter_async_context(embedded)).settings
        for _ in range(self._connections):
            self._services.append(await stack.enter_async_context(connected(self.settings)))
            self._users.append(0)
        await self._warm_up()
        for services in self._services:
            await self._watch(services.llm.learn(with_moods(self.settings.llm.persona, self.settings.mood)))
        self._telemetry = Telemetry(self.settings.telemetry, clock=loop.time, warn=self._notice)
        self._telemetry.install()
        stack.push_async_callback(self._telemetry.aclose)
        self._keeping = await asyncio.to_thread(Keeping.opened, self.settings, self.reply_rate, self._notice)
        stack.push_async_callback(self._keeping.aclose)
        self._workshop = await stack.enter_async_context(opened(self.settings, self._given_tools, self._notice))
        self._model = SileroModel()
        await self._watch_versions()
        await self._watch(self._telemetry.metrics.watch_loop())
        if self.settings.telemetry.metrics_port:
            await self._watch(watch_certificates(self._telemetry.metrics, endpoints(self.settings)))
        self._over = stack.enter_context(swept())

    async def _find_model(self) -> None:
        try:
            llm, chosen = await with_model(self.settings.llm)
        except Exception as error:
            raise StageFailed("llm", error) from error
        if chosen:
            self.settings = self.settings.model_copy(update={"llm": llm})
            self._notice(chosen)

    async def _find_turn_model(self) -> None:
        if self.settings.turns.sound_veto:
            network = await asyncio.to_thread(SmartTurn, turn_model(home()))
            await asyncio.to_thread(network.complete, NOTHING)  # the first time is slow
            self._judge = ThreadedJudge(network.complete)
            self._stack.callback(self._judge.close)

    async def _watch_versions(self) -> None:
        """From here on new conversations get what the folder of versions says at the time."""
        insights = self.settings.insights
        if insights.versions is None:
            return
        key = await asyncio.to_thread(read_key, insights.approval_key)
        self._arms = arms = Arms(Store(insights.versions, key), self.settings, self._notice)
        self._stack.push_async_callback(asyncio.to_thread, arms.close)
        await asyncio.to_thread(arms.start)

    async def _warm_up(self) -> None:
        first = self._services[0]
        for failure in await warm_up(first, self.settings.asr, lambda: self._speak(first)):
            if failure.service != "face":
                raise failure
            self.faceless = await diagnose(failure.cause, "face", self.settings.face.endpoint)
            for services in self._services:
                services.face = None

    async def _speak(self, services: Services) -> None:
        """Each voice's first use: her canned phrases."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.phrases.prepare(services.tts, WARM_UP_SECONDS))
                for tag, phrases in self._others.items():
                    group.create_task(phrases.prepare(services.voices[tag], WARM_UP_SECONDS))
        except* Exception as failures:
            raise failures.exceptions[0] from None

    async def _watch(self, work: Awaitable[None]) -> None:
        """Runs ``work`` until the runtime ends."""
        task = asyncio.ensure_future(work)

        async def end() -> None:
            task.cancel()
            await asyncio.wait([task])

        self._stack.push_async_callback(end)

    def provenance(self, mode: Mode = "server", *, person: str = "", consent: Consent | None = None) -> Provenance:
        """A new conversation that begins now, by a new id; hand it to :meth:`session`, and to who writes it down.

        ``person`` is a pseudonym, ``consent`` what may be kept; by default ``insights.consent``. The id decides on
        which side of a trial of settings the conversation is, and it keeps those settings to its end.
        """
        identity = uuid.uuid4().hex
        given = self._given[identity] = self._give(identity)
        while len(self._given) > MOST_GIVEN:
            self._given.popitem(last=False)
        return Provenance(
            id=identity,
            began=datetime.now(UTC),
            loop_time=asyncio.get_running_loop().time(),
            person=person,
            site=self.settings.insights.site,
            mode=mode,
            language=self.settings.language,
            models=self._models(),
            settings=fingerprint(given.settings),
            arm=given.arm,
            consent=consent or self.keeping.usual,
        )

    def _give(self, conversation: str) -> Given:
        return self._arms.give(conversation) if self._arms else Given(self.settings)

    def _models(self) -> Models:
        """What a service is asked for by name; else whether it is one that the project brings, or the service chose."""
        settings, embedded = self.settings, self.asked.embedded_services

        def named(service: Service, name: str) -> str:
            return name or ("embedded" if service in embedded else "default")

        llm = f"{settings.llm.model}:{settings.llm.version}" if settings.llm.version else settings.llm.model
        faceless = not settings.face.enabled or self.faceless is not None
        network = settings.face.network.folder
        return Models(
            asr=named("asr", settings.asr.model),
            llm=llm,
            tts=named("tts", settings.tts.voice),
            face="" if faceless else named("face", network.name if network and "face" in embedded else ""),
        )

    def session(
        self,
        source: AudioSource,
        sink: Sink,
        observers: Iterable[Observer] = (),
        *,
        echo: EchoGuard | None = None,
        cue: Pcm | None = None,
        provenance: Provenance | None = None,
        recorded: bool = False,
        greets: bool = True,
        patience: float = DEVICE_PATIENCE,
    ) -> Session:
        """One conversation for one user; call it in the loop that runs it.

        ``source`` gives 20 ms frames of 16 kHz mono in real time, ``sink`` plays int16 mono of ``reply_rate`` Hz;
        both are closed with the session. ``echo`` keeps her own voice out of the ears. ``cue`` is played, at
        ``reply_rate``, when she begins to listen. ``provenance`` is what :meth:`provenance` made for observers that
        write it down. ``recorded``: the user's sound is recorded, and she says so first. ``greets``: she does, if the
        settings say how. ``patience`` is how long a recogniser that is away is waited for where
        ``asr.give_up_seconds`` is not set; a server says ``math.inf``.
        """
        provenance = provenance or self.provenance()
        place = self._users.index(min(self._users))
        services, model = self._services[place], self._model
        settings = (self._given.pop(provenance.id, None) or self._give(provenance.id)).settings
        workshop = self._workshop
        assert model is not None, "the runtime has not been entered"
        assert workshop is not None, "the runtime has not been entered"
        history = History(with_moods(settings.llm.persona, settings.mood), settings.llm.history_tokens)
        person = provenance.person or ("me" if provenance.mode in OWN_MODES else "")

        def know(notes: str) -> None:
            history.notes = notes

        def tell(event: EarsLost | EarsBack | SayRequested | AskRequested) -> None:
            session.tell(event)

        turns = TurnTaking(settings.turns, chance=random.Random(provenance.id).random)
        tools_place = SessionPlace(language=lambda: turns.language, person=person, know=know)
        components = Components(
            source=source,
            asr=services.asr(tell, patience, settings.asr),
            detector=sounded(
                lambda emit: VoiceDetector(model, settings.microphone.vad, emit),
                self._judge,
                lambda: turns.judged_since,
            ),
            turns=turns,
            llm=services.llm,
            history=history,
            tts=services.tts,
            phrases=self.phrases,
            sink=sink,
            face=services.face,
            echo=echo,
            cue=cue,
            tools=Toolbox(own=workshop.tools(tools_place)),
            recorded=recorded,
            others={tag: Speech(services.voices[tag], phrases) for tag, phrases in self._others.items()},
            mood=settings.mood,
        )
        labels = Labels(settings.llm.model, settings.llm.backend, settings.asr.language, settings.tts.voice)
        span = self.telemetry.start_conversation(provenance.id, labels)
        measured = Measured(self.telemetry.metrics, span)
        self._users[place] += 1

        def closed() -> None:
            tools_place.leave()
            span.end()
            self._users[place] -= 1
            self._over(sum(self._users))

        watching = [*observers, *([Greeting(settings.greeting, tell)] if greets else [])]
        session = Session(components, watching, measured, self.telemetry.metrics, closed, provenance=provenance)
        tools_place.join(session.tell, session.tools)
        return session
