"""The asyncio graph that joins ears, mind, voice and face, and the programs that people run."""
