"""One file per channel: message to the outside world."""
