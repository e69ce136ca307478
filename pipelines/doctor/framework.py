"""Framework: the services of the loop, each really used, and what watches over them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Final

import grpc
import grpc.aio
import numpy as np
import soxr
from cryptography import x509
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as pb_grpc

from pipelines.doctor.checklist import Check, Context
from pipelines.doctor.finding import Result, fail, ok, skip, warn
from pipelines.doctor.host import printable
from pipelines.doctor.monitoring import MONITORING
from pipelines.doctor.outside import outside
from pipelines.doctor.web import WebTrouble, get
from pipelines.services.channels import metadata_for, open_channel
from pipelines.services.diagnosis import diagnose
from pipelines.services.page_port import page_port
from pipelines.services.probes import Probe, probes
from pipelines.settings.endpoint import Endpoint, TlsSettings
from pipelines.settings.model import Settings
from pipelines.talk.check import EXPIRY_DAYS, USE_SECONDS, Answer, check
from sophia.audio import EAR_RATE, Frame, Pcm
from sophia.languages import language as table
from sophia.recognition import RivaRecognizer
from sophia.synthesis import RivaSynthesizer

SILENCE_SECONDS: Final = 1.5
"""Silence after the phrase, in which the recogniser ends its utterance."""

_SERVICE_SECONDS: Final = 2 * USE_SECONDS
"""How long looking at one service may take in all."""

FRAME: Final = EAR_RATE // 50

_RENEW: Final = "python -m pipelines.certs docker/tls  # or the folder it is in; then restart what shows it"

_LOG: Final = "docker compose -p sophia logs triton"

_WHY: Final = {
    "asr": "without ears she hears nothing",
    "llm": "without a mind she has nothing to say",
    "tts": "without a voice nobody hears her",
    "face": "without a face she only speaks",
}


def framework(settings: Settings) -> tuple[Check, ...]:
    """The checks of this phase; which services there are depends on ``settings``."""
    used = [_service(probe) for probe in probes(settings)]
    more = (
        Check("framework", "services", "round_trip", "tts to asr", "what she says must be intelligible speech",
              _round_trip, 2 * USE_SECONDS),
        Check("framework", "services", "models", "Triton's models", "a model that is not ready answers nobody",
              _models, USE_SECONDS),
        Check("framework", "services", "triton_http", "Triton's HTTP port", "health checks of containers ask there",
              _triton_http),
        Check("framework", "services", "page", "her page's port", "she is seen and heard there in a browser", _page),
        Check("framework", "services", "kit", "Omniverse Kit", "without it the avatar is not seen", _kit),
    )  # fmt: skip
    return (*used, *more, *outside(settings.tools), *MONITORING)


def answered(answer: Answer, days: int | None, own: int | None = None) -> Result:
    """A row for a service that was used; ``days`` until its certificate ends, ``own`` ours; None for no certificate."""
    ours = f"our certificate {answer.endpoint.tls.cert} "
    if answer.failure:
        if own is not None and own < 0:
            return fail(f"{printable(answer.failure.line)}\n{ours}{_ends(own)}", _RENEW, "one that lasts")
        return fail(printable(answer.failure.line), printable(answer.failure.hint))
    assert answer.used is not None
    took = f"{answer.used.what} after {answer.used.seconds * 1000:.0f} ms"
    secured = "TLS" if answer.endpoint.tls.enabled else "plaintext"
    about = [printable(line) for line in (*answer.used.has, *answer.notes) if line]
    found = "\n".join((f"{answer.endpoint.target}, {secured}: {took}", *about))
    soon = [
        f"\n{whose}{_ends(left)}"
        for whose, left in (("its certificate ", days), (ours, own))
        if left is not None and left < EXPIRY_DAYS
    ]
    if soon:
        return warn(f"{found}{''.join(soon)}", _RENEW, "a longer life")
    if any(word in line for line in about for word in ("not among them", "none of them for", "not serving")):
        return warn(found, "correct the settings, or load what is missing on the server")
    return ok(found)


def _ends(days: int) -> str:
    return f"ends in {days} days" if days >= 0 else "has ended"


def own_days(tls: TlsSettings) -> int | None:
    """Days until the certificate ends that we show; None without one, or where it cannot be read: the use tells."""
    if not tls.enabled or tls.cert is None:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(tls.cert.read_bytes())
    except (OSError, ValueError):
        return None
    return (certificate.not_valid_after_utc - datetime.now(UTC)).days


async def _page(c: Context) -> Result:
    port = await page_port(c.settings.server)
    return warn(port.found, port.fix) if port.fix else ok(port.found)


def _service(service: Probe) -> Check:
    async def probe(c: Context) -> Result:
        answer = await _checked(service)
        days = (answer.peer.expires - datetime.now(UTC)).days if answer.peer else None
        return answered(answer, days, own_days(service.endpoint.tls))

    why = _WHY.get(service.service, "the loop uses it")
    return Check("framework", "services", service.service, service.service, why, probe, _SERVICE_SECONDS)


async def _checked(service: Probe) -> Answer:
    """What came of checking ``service``: of a second try where the first was not answered in time.

    A busy machine is late once; what is late twice, or is not done when the time of the check is over, stays late.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + _SERVICE_SECONDS - 1
    answer = await check(service)
    if answer.failure and answer.failure.kind == "silent":
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                answer = await check(service)
    return answer


async def _round_trip(c: Context) -> Result:
    settings = c.settings
    language = table(settings.tts.language)
    phrase = language.trial
    stage: tuple[str, Endpoint] = ("tts", settings.tts.endpoint)
    try:
        pcm = await _spoken(settings, phrase)
        stage = ("asr", settings.asr.endpoint)
        heard = await _heard(settings, pcm)
    except Exception as error:  # whatever a service or its client does wrong is a finding
        told = await diagnose(error, *stage)
        return fail(printable(told.line), printable(told.hint))
    if not heard:
        return fail(f"“{phrase}” was synthesised, and nothing was recognised", "look at the language of both")
    if language.known and not set(words(phrase)) & set(words(heard)):
        fix = "look at tts.language, tts.rate and asr.model"
        return warn(f"“{phrase}” was recognised as “{heard}”", fix)
    return ok(f"“{phrase}” was synthesised, and recognised as “{heard}”")


def words(text: str) -> list[str]:
    """The words of ``text`` for a comparison."""
    return re.findall(r"\w+", text.casefold())


async def _spoken(settings: Settings, phrase: str) -> Pcm:
    async def clauses() -> AsyncIterator[str]:
        yield phrase

    async with open_channel(settings.tts.endpoint) as channel:
        voice = RivaSynthesizer(channel, settings.tts, metadata_for(settings.tts.endpoint))
        async with aclosing(voice.speak(clauses())) as chunks:
            pcm = [chunk.pcm async for chunk in chunks]
    sound: Pcm = soxr.resample(np.concatenate(pcm), voice.rate, EAR_RATE)
    return np.concatenate((sound, np.zeros(round(SILENCE_SECONDS * EAR_RATE), np.int16)))


async def _heard(settings: Settings, pcm: Pcm) -> str:
    """The first final of ``pcm``, which is played to the recogniser in real time; empty if none comes."""
    async with open_channel(settings.asr.endpoint) as channel:
        recognizer = RivaRecognizer(channel, settings.asr, metadata_for(settings.asr.endpoint))
        loop = asyncio.get_running_loop()

        async def play() -> None:
            began = loop.time()
            for start in range(0, len(pcm) - FRAME + 1, FRAME):
                recognizer.push(Frame(pcm[start : start + FRAME], loop.time()))
                await asyncio.sleep(began + (start + FRAME) / EAR_RATE - loop.time())
            recognizer.finish_utterance()

        playing = asyncio.create_task(play())
        try:
            async with asyncio.timeout(len(pcm) / EAR_RATE + settings.asr.answer_seconds):
                async with aclosing(recognizer.transcripts()) as transcripts:  # type: ignore[type-var]
                    async for transcript in transcripts:
                        if transcript.final and transcript.text.strip():
                            return printable(transcript.text.strip())[:200]
        except TimeoutError:
            pass
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
            await recognizer.aclose()
    return ""


async def _models(c: Context) -> Result:
    llm = c.settings.llm
    if llm.backend != "triton":
        return skip("the mind is not reached by Triton's gRPC")
    how = {"timeout": USE_SECONDS / 3, "metadata": tuple(metadata_for(llm.endpoint)())}
    try:
        async with open_channel(llm.endpoint) as channel:
            stub = pb_grpc.GRPCInferenceServiceStub(channel)
            try:
                index = await stub.RepositoryIndex(pb.RepositoryIndexRequest(), **how)
            except grpc.aio.AioRpcError as error:  # Triton can keep its index for administrators
                if "restricted" not in (error.details() or "") and error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                    raise
                one = await stub.ModelReady(pb.ModelReadyRequest(name=llm.model, version=llm.version), **how)
                if one.ready:
                    return ok(f"{llm.model}; this server does not tell of others")
                return fail(f"{llm.model} is not ready", _LOG, "ready")
    except Exception as error:
        told = await diagnose(error, "llm", llm.endpoint)
        return fail(printable(told.line), printable(told.hint))
    return ready([(model.name, model.version, model.state, model.reason) for model in index.models])


def ready(index: list[tuple[str, str, str, str]]) -> Result:
    """What Triton's repository index (name, version, state, reason) comes to; one that was unloaded does not count."""
    rows = [tuple(printable(" ".join(cell.split()))[:120] for cell in row) for row in index[:200]]
    told = [f"{name} {version}: {state or 'not loaded'} {reason}".rstrip() for name, version, state, reason in rows]
    broken = [
        line
        for line, (_, _, state, reason) in zip(told, rows, strict=True)
        if state != "READY" and state and reason != "unloaded"
    ]
    if broken:
        return fail("\n".join(broken), _LOG, "every model READY")
    if not any(state == "READY" for _, _, state, _ in rows):
        return fail("no model is loaded", _LOG, "every model READY")
    return ok(", ".join(f"{name} {version}".rstrip() for name, version, state, _ in rows if state == "READY"))


async def _triton_http(c: Context) -> Result:
    stack = c.settings.stack
    if stack.triton_http is None:
        return skip("not named: stack.triton_http")
    try:
        page = await get(f"{stack.triton_http}/v2/health/ready", tls=stack.tls)
    except WebTrouble as trouble:
        return fail(f"{stack.triton_http}: {trouble}", trouble.fix or f"{_LOG} proxy")
    if page.status != 200:
        return fail(f"{stack.triton_http} is not ready (HTTP {page.status})", f"{_LOG} proxy", "HTTP 200")
    return ok(f"{stack.triton_http}/v2/health/ready")


async def _kit(c: Context) -> Result:
    stack = c.settings.stack
    if stack.kit is None:
        return skip("not named: stack.kit")
    try:
        page = await get(stack.kit, tls=stack.tls)
    except WebTrouble as trouble:
        return fail(f"{stack.kit}: {trouble}", trouble.fix or "start the Kit application with its HTTP service")
    if page.status != 200:
        return fail(f"{stack.kit} answers HTTP {page.status}", "name a page that the application serves", "HTTP 200")
    return ok(stack.kit)
