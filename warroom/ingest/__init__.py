"""One file per dialect: payload to domain alert, no I/O."""
