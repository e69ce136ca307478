"""Two languages in one talk, over TLS, in Riva's protocol: what is asked of ears, mind and voice, turn by turn.

The services are simulated: the recogniser tells a language with each utterance, as Riva's multilingual models do.
"""
# ruff: noqa: N802 - the methods' names are the protocols'

import pytest
from lab import Lab, config, serving
from riva.client.proto import riva_asr_pb2
from talk_in_lab import QUESTION, SERVICES, hold, patient_with_the_face

from nova.tensors import parse_bytes
from pipelines.simulation.exact import Says
from sophia.languages import language

pytestmark = pytest.mark.services

SAID = [Says(0.0, "where is my order"), Says(0.0, "wo ist meine Bestellung", language="de-DE")]
VOICES = {"de-DE": "Magpie-Multilingual.DE-DE.Aria"}


class Bilingual(Lab):
    """Hears one line after the other, and remembers what it was asked."""

    def __init__(self):
        super().__init__()
        self.asked, self.prompts, self.spoken = set(), [], []

    async def GetRivaSpeechRecognitionConfig(self, request, context):
        answer = riva_asr_pb2.RivaSpeechRecognitionConfigResponse()
        answer.model_config.add(model_name="simulated").parameters["language_code"] = "multi"
        return answer

    async def StreamingRecognize(self, requests, context):
        async def noted():
            async for request in requests:
                if request.HasField("streaming_config"):
                    self.asked.add(request.streaming_config.config.language_code)
                yield request

        async for answer in super().StreamingRecognize(noted(), context):
            yield answer

    def _final(self, processed):
        line = SAID[min(self.turn, len(SAID)) - 1]
        self.heard = line.text
        answer = super()._final(processed)
        answer.results[0].alternatives[0].language_code.append(line.language)
        return answer

    async def ModelStreamInfer(self, requests, context):
        async def noted():
            async for request in requests:
                self.prompts.append(parse_bytes(request.raw_input_contents[0])[0].decode())
                yield request

        async for answer in super().ModelStreamInfer(noted(), context):
            yield answer

    async def SynthesizeOnline(self, requests, context):
        async def noted():
            async for request in requests:
                self.spoken.append((self.turn, request.language_code, request.voice_name, request.text))
                yield request

        async for answer in super().SynthesizeOnline(noted(), context):
            yield answer


async def test_ears_mind_and_voice_are_asked_in_the_language_of_the_turn(tmp_path, pki):
    lab = Bilingual()
    async with serving(lab, pki) as port:
        ports = dict.fromkeys(SERVICES, port)
        path = config(tmp_path, pki, ports, asr__language="auto", tts__by_language=VOICES)
        with patient_with_the_face():
            code, told = await hold(path, QUESTION, QUESTION)
    assert (code, told.errors) == (0, [])
    assert told.texts == [line.text for line in SAID]
    assert lab.asked == {"multi"}
    first, second = (prompt.partition("<|im_end|>")[0] for prompt in lab.prompts[-2:])
    assert ("Answer in English." in first, "Antworte auf Deutsch." in first) == (True, False)
    assert ("Answer in English." in second, "Antworte auf Deutsch." in second) == (False, True)
    assert {spoken[1:3] for spoken in lab.spoken if spoken[0] == 1} == {("en-US", "")}
    assert {spoken[1:3] for spoken in lab.spoken if spoken[0] == 2} == {("de-DE", VOICES["de-DE"])}
    prepared = {(tag, text) for turn, tag, _, text in lab.spoken if turn == 0}
    assert prepared >= {(tag, text) for tag in ("en-US", "de-DE") for text in language(tag).phrases.values()}
