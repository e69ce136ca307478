"""What many conversations measured: how long people waited and for what, what changed, and since when."""
