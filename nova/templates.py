"""The chat templates that are built in. Without tools a prompt has not a word about them.

How a model is told of its tools, and how it writes a call, is what the models of each family were trained on.
"""

_HERMES = """\
{%- macro toolbox() %}# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>{% for tool in tools %}{{ "\\n" }}{{ tool | tojson }}{% endfor %}

</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>{% endmacro -%}
"""

CHATML = (
    _HERMES
    + """\
{% if tools and messages[0].role != "system" %}<|im_start|>system
{{ toolbox() }}<|im_end|>
{% endif %}{% for m in messages %}{% if m.role == "tool" %}\
{{ "<|im_start|>user" if loop.previtem.role != "tool" }}
<tool_response>
{{ m.content }}
</tool_response>{% if loop.last or loop.nextitem.role != "tool" %}<|im_end|>
{% endif %}{% else %}<|im_start|>{{ m.role }}
{{ m.content }}{% if tools and loop.first and m.role == "system" %}{{ "\\n\\n" }}{{ toolbox() }}{% endif %}\
{% for call in m.tool_calls or [] %}{{ "\\n" if m.content or not loop.first }}<tool_call>
{"name": {{ call.function.name | tojson }}, "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
)
"""ChatML with tools as Hermes and Qwen 2.5 have them."""

LLAMA3 = """\
{%- macro toolbox() %}Environment: ipython

You have access to the following functions. To call a function, respond with JSON for a function call and nothing else.
Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}. \
Do not use variables. If no function is needed, answer in words.
{% for tool in tools %}{{ "\\n" }}{{ tool | tojson(indent=4) }}{{ "\\n" }}{% endfor %}{% endmacro -%}
{{ bos_token }}{% if tools and messages[0].role != "system" %}<|start_header_id|>system<|end_header_id|>

{{ toolbox() }}<|eot_id|>{% endif %}{% for m in messages %}<|start_header_id|>\
{{ "ipython" if m.role == "tool" else m.role }}<|end_header_id|>

{{ m.content | trim }}{% if tools and loop.first and m.role == "system" %}{{ "\\n\\n" }}{{ toolbox() }}{% endif %}\
{% for call in m.tool_calls or [] %}{{ "\\n" if m.content and loop.first }}{{ "; " if not loop.first }}\
{"name": {{ call.function.name | tojson }}, "parameters": {{ call.function.arguments | tojson }}}{% endfor %}\
<|eot_id|>{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>

{% endif %}"""
"""Llama 3.x and its descendants."""

_NEMOTRON_TOOLS = """\
{%- macro toolbox() %}# Tools

You can call the functions below.

<tools>{% for tool in tools %}{{ "\\n" }}<function>
<name>{{ tool.function.name }}</name>
<description>{{ tool.function.description }}</description>
<parameters>{% for name, field in (tool.function.parameters.properties or {}) | items %}{{ "\\n" }}<parameter>
<name>{{ name }}</name>
{% for key, value in field | items %}\
<{{ key }}>{{ value if value is string else value | tojson }}</{{ key }}>
{% endfor %}</parameter>{% endfor %}
{{ "\\n" }}<required>{{ (tool.function.parameters.required or []) | tojson }}</required>
</parameters>
</function>{% endfor %}{{ "\\n" }}</tools>

To call one, answer with nothing behind this form:

<tool_call>
<function=name_of_the_function>
<parameter=name_of_a_parameter>
its value, which may have several lines
</parameter>
</function>
</tool_call>

Give each parameter that is required. Where no function helps, answer in words, and be silent about functions.
{%- endmacro -%}
"""

NEMOTRON = (
    _NEMOTRON_TOOLS
    + """\
{% if messages[0].role != "system" %}<|im_start|>system
{{ toolbox() if tools }}<|im_end|>
{% endif %}{% for m in messages %}{% if m.role == "tool" %}\
{{ "<|im_start|>user\\n" if loop.previtem.role != "tool" }}<tool_response>
{{ m.content }}
</tool_response>
{{ "<|im_end|>\\n" if loop.last or loop.nextitem.role != "tool" }}\
{% else %}<|im_start|>{{ m.role }}
{% if m.role == "assistant" %}<think></think>{% endif %}{{ m.content }}\
{% if tools and loop.first and m.role == "system" %}{{ "\\n\\n" }}{{ toolbox() }}{% endif %}\
{% for call in m.tool_calls or [] %}{{ "\\n" if m.content and loop.first }}<tool_call>
<function={{ call.function.name }}>
{% for name, value in call.function.arguments | items %}<parameter={{ name }}>
{{ value if value is string else value | tojson }}
</parameter>
{% endfor %}</function>
</tool_call>
{% endfor %}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
<think></think>{% endif %}"""
)
"""Nemotron 3, without thinking. What the recipe ``nova/training/recipes/nemotron_nano_lora.yaml`` trains on: each
answer follows an empty thought. Tools stand as this family was trained to read and to call them."""
