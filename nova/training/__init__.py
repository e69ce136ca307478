"""From recorded conversations to a fine-tuned Nova: data without private details, a LoRA recipe, a merged model.

Only ``gpu``, ``merge`` and ``small`` need torch, transformers or peft; those are not among the project's dependencies,
because they come with NVIDIA's container.
"""
