"""How the machine is while something is measured: processor, memory, the event loop's lag, the GPUs."""
