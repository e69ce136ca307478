"""Every span, attribute and event name that the pipelines emit, in one place.

Semantic conventions of OpenTelemetry where they exist (as in ``opentelemetry-semantic-conventions`` 0.66b2, spelt out
here because those of GenAI are marked unstable), ``sophia.*`` for the rest. What was said goes only into attributes of
:data:`CONTENT`, and only if the settings ask for it. The spans of single calls are named in ``sophia/calls.py`` and
``aurora/calls.py``.
"""

from __future__ import annotations

from typing import Final

SERVICE: Final = "sophia"
SCOPE: Final = "sophia.pipelines"

# Spans, beside one for each of the ledger's contributions ------------------------------------------------------------

CONVERSATION: Final = "conversation"
TURN: Final = "turn"
ASR: Final = "asr"
LLM: Final = "llm"
CHAT: Final = "chat"
"""Begins the name of a request's span; the model's follows."""
EXECUTE_TOOL: Final = "execute_tool"
"""Begins the name of a tool's span; the tool's follows."""
TTS: Final = "tts"
FACE: Final = "face"
SPEAKING: Final = "speaking"
INTERRUPTION: Final = "interruption"

# Attributes ------------------------------------------------------------------------------------------------------

CONVERSATION_ID: Final = "gen_ai.conversation.id"
AGENT_NAME: Final = "gen_ai.agent.name"
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
MODEL: Final = "gen_ai.request.model"
MAX_TOKENS: Final = "gen_ai.request.max_tokens"
TEMPERATURE: Final = "gen_ai.request.temperature"
TOP_P: Final = "gen_ai.request.top_p"
STREAM: Final = "gen_ai.request.stream"
OUTPUT_TYPE: Final = "gen_ai.output.type"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
OUTPUT_PIECES: Final = "sophia.output.pieces"
"""Pieces of text that a server sent, where it is not known how many tokens they are."""
FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_CALL: Final = "gen_ai.tool.call.id"
SESSION: Final = "session.id"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"

TURN_NUMBER: Final = "sophia.turn.number"
GENERATIONS: Final = "sophia.turn.generations"
OUTCOME: Final = "sophia.turn.outcome"
VOICE_TO_VOICE: Final = "sophia.voice_to_voice"
CONTRIBUTION: Final = "sophia.contribution."
"""Prefix; a contribution's name follows. Seconds."""
COUNT: Final = "sophia.count."
"""Prefix; the name of something counted follows."""
REPLAY: Final = "sophia.replay."
"""Prefix of what only a replay knows of a turn: ``talk``, ``line`` and so on, named as in its record."""
CRITICAL: Final = "sophia.critical_path"
"""True on the spans that tile voice-to-voice; their durations add up to it."""
FACE_LATENESS: Final = "sophia.face.lateness"
BARGE_IN_LATENCY: Final = "sophia.barge_in.latency"
DECISION: Final = "sophia.decision"
REASON: Final = "sophia.reason"
SERVICE_AT_FAULT: Final = "sophia.service"
FAULT_LINE: Final = "sophia.fault.line"
FAULT_COUNT: Final = "sophia.fault.count"
LLM_MODEL: Final = "sophia.model"
LANGUAGE: Final = "sophia.language"
VOICE: Final = "sophia.voice"

INSTRUCTIONS: Final = "gen_ai.system_instructions"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
ARGUMENTS: Final = "gen_ai.tool.call.arguments"
RESULT: Final = "gen_ai.tool.call.result"
TRANSCRIPT: Final = "sophia.transcript"
HEARD: Final = "sophia.heard"
CONTENT: Final = frozenset(
    {INSTRUCTIONS, INPUT_MESSAGES, OUTPUT_MESSAGES, ARGUMENTS, RESULT, TRANSCRIPT, HEARD, REASON, FAULT_LINE}
)
"""Attributes that hold or may quote what was said; never set unless ``capture_content`` is on."""

CAPTURE_CONTENT: Final = "sophia.capture_content"
"""In a context, beside :data:`CONVERSATION_ID`: whether spans made there may hold what was said."""

# Events ----------------------------------------------------------------------------------------------------------

DECIDED: Final = "decision"
FAULT: Final = "fault"
