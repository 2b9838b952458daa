"""One file per cycle."""
