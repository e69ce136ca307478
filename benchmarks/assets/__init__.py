"""Makes what the project ships but never runs: the lip network's weights, the bundled sounds. Not in the wheel."""
