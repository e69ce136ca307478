"""Chat templates as the families of models have them, reduced to how turns, calls and results are written.

The real ones are tried too where ``SOPHIA_CHAT_TEMPLATES`` names a folder of them. The source package of
``llama-cpp-python`` holds some seventy under ``vendor/llama.cpp/models/templates``.
"""

from __future__ import annotations

import os
from pathlib import Path

from nova.prompts import BUILT_IN, ChatTemplate, load_template

XML = ChatTemplate(
    "{% for m in messages %}<|im_start|>{{ 'user' if m.role == 'tool' else m.role }}\n{% if m.role == 'tool' %}"
    "<tool_response>\n{{ m.content }}\n</tool_response>{% else %}{{ m.content }}{% endif %}"
    "{% for c in m.tool_calls or [] %}<tool_call>\n<function={{ c.function.name }}>\n"
    "{% for key, value in c.function.arguments | items %}<parameter={{ key }}>\n{{ value }}\n</parameter>\n{% endfor %}"
    "</function>\n</tool_call>{% endfor %}{{ tools | tojson if tools and loop.first }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n",
    ("<|im_end|>",),
)
"""Qwen3-Coder, Qwen 3.5, Nemotron 3 Nano."""

LIST = ChatTemplate(
    "{{ tools | tojson if tools }}{% for m in messages %}<SPECIAL_11>{{ m.role }}\n{% if m.role == 'tool' %}"
    "<TOOL_RESPONSE>[{{ m.content | tojson }}]</TOOL_RESPONSE>{% else %}{{ m.content }}{% endif %}{% if m.tool_calls %}"
    '<TOOLCALL>[{% for c in m.tool_calls %}{"name": "{{ c.function.name }}", "arguments": '
    "{{ c.function.arguments | tojson }}}{{ ', ' if not loop.last }}{% endfor %}]</TOOLCALL>{% endif %}"
    "\n<SPECIAL_12>\n{% endfor %}<SPECIAL_11>assistant\n",
    ("<SPECIAL_12>",),
)
"""Nemotron before 3."""

MISTRAL = ChatTemplate(
    "{{ tools | tojson if tools }}{% for m in messages %}{% if m.role == 'tool' %}[TOOL_RESULTS]{{ m.tool_call_id }}"
    "[TOOL_CONTENT]{{ m.content }}[/TOOL_RESULTS]{% elif m.role == 'assistant' %}{{ m.content }}"
    "{% for c in m.tool_calls or [] %}{% if c.id | length != 9 %}{{ raise_exception('nine!') }}{% endif %}"
    "[TOOL_CALLS]{{ c.function.name }}[ARGS]{{ c.function.arguments | tojson }}{% endfor %}</s>"
    "{% else %}[INST]{{ m.content }}[/INST]{% endif %}{% endfor %}",
    ("</s>",),
)
"""Mistral Small 3.2, Ministral, Devstral."""

HARMONY = ChatTemplate(
    "{{ tools | tojson if tools }}{% for m in messages %}{% if m.role == 'tool' %}<|start|>functions.{{ m.name }} "
    "to=assistant<|channel|>commentary<|message|>{{ m.content }}<|end|>{% else %}{% if m.content %}<|start|>"
    "{{ m.role }}{{ '<|channel|>final' if m.role == 'assistant' }}<|message|>{{ m.content }}<|end|>{% endif %}"
    "{% for c in m.tool_calls or [] %}<|start|>assistant to=functions.{{ c.function.name }}<|channel|>commentary json"
    "<|message|>{{ c.function.arguments | tojson }}<|call|>{% endfor %}{% endif %}{% endfor %}<|start|>assistant",
    ("<|return|>", "<|call|>"),
)
"""gpt-oss."""

DEEPSEEK = ChatTemplate(
    "{{ tools | tojson if tools }}{% for m in messages %}{% if m.role == 'tool' %}<｜tool▁output▁begin｜>"
    "{{ m.content }}<｜tool▁output▁end｜>{% elif m.role == 'assistant' %}<｜Assistant｜>{{ m.content }}"
    "{% for c in m.tool_calls or [] %}"
    "{{ '<｜tool▁calls▁begin｜>' if loop.first }}<｜tool▁call▁begin｜>{{ c.function.name }}<｜tool▁sep｜>"
    "{{ '' + c.function.arguments }}<｜tool▁call▁end｜>{{ '<｜tool▁calls▁end｜>' if loop.last }}{% endfor %}"
    "<｜end▁of▁sentence｜>{% else %}<｜User｜>{{ m.content }}{% endif %}{% endfor %}<｜Assistant｜>",
    ("<｜end▁of▁sentence｜>",),
)
"""DeepSeek V3.1; it takes the arguments for text."""

KIMI = ChatTemplate(
    "{{ tools | tojson if tools }}{% for m in messages %}"
    "{{ '<|im_assistant|>' if m.role == 'assistant' else '<|im_user|>' }}{{ m.role }}<|im_middle|>{{ m.content }}"
    "{% for c in m.tool_calls or [] %}{{ '<|tool_calls_section_begin|>' if loop.first }}<|tool_call_begin|>functions."
    "{{ c.function.name }}:{{ loop.index0 }}<|tool_call_argument_begin|>{{ c.function.arguments | tojson }}"
    "<|tool_call_end|>{{ '<|tool_calls_section_end|>' if loop.last }}{% endfor %}<|im_end|>{% endfor %}"
    "<|im_assistant|>assistant<|im_middle|>",
    ("<|im_end|>",),
)
"""Kimi K2."""

GLM = ChatTemplate(
    "{{ tools | tojson if tools }}{% for m in messages %}{% if m.role == 'tool' %}<|observation|>\n<tool_response>\n"
    "{{ m.content }}\n</tool_response>{% else %}<|{{ m.role }}|>\n{{ m.content }}{% for c in m.tool_calls or [] %}"
    "\n<tool_call>{{ c.function.name }}\n{% for key, value in c.function.arguments | items %}"
    "<arg_key>{{ key }}</arg_key>\n<arg_value>{{ value }}</arg_value>\n{% endfor %}</tool_call>{% endfor %}"
    "{% endif %}{% endfor %}<|assistant|>",
    ("<|observation|>", "<|user|>"),
)
"""GLM 4.5 and later."""

ONE_CALL = ChatTemplate(
    "{{ tools | tojson if tools }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{% if m.tool_calls %}{% if m.tool_calls | length != 1 %}{{ raise_exception('only one!') }}{% endif %}"
    '{"name": "{{ m.tool_calls[0].function.name }}", "parameters": {{ m.tool_calls[0].function.arguments | tojson }}}'
    "{% else %}{{ m.content }}{% endif %}<|eot_id|>{% endfor %}<|start_header_id|>assistant<|end_header_id|>\n\n",
    ("<|eot_id|>",),
)
"""Llama 3.1 to 3.3, which refuse two calls at once and what is said beside one."""

FAMILIES: dict[str, ChatTemplate] = {
    **BUILT_IN,
    "xml": XML,
    "list": LIST,
    "mistral": MISTRAL,
    "harmony": HARMONY,
    "deepseek": DEEPSEEK,
    "kimi": KIMI,
    "glm": GLM,
    "one call": ONE_CALL,
}


def real_templates() -> dict[str, ChatTemplate]:
    """Those of the folder that ``SOPHIA_CHAT_TEMPLATES`` names, by the names of their files."""
    folder = os.environ.get("SOPHIA_CHAT_TEMPLATES")
    return {file.name: load_template(str(file)) for file in sorted(Path(folder).glob("*.jinja"))} if folder else {}
