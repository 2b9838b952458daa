"""One file per screen or modal: layout and key actions."""
