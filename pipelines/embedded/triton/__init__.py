"""The embedded Nova server: NVIDIA's tritonserver in its own environment, or a stand-in for the same model."""
