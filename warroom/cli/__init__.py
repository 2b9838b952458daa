"""One file per command group; imports everything, imported by nothing."""
