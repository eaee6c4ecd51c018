"""Studies and races: scripts, with their results beside them."""
