"""What a run is on disk: the records of replay, load and benchmarks, written while it goes on and read by schema."""
