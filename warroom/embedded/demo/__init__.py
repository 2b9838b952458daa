"""The demo: an estate and a day as data (TOML), and the player that makes them happen."""
