"""App, feed, keymap, themes, terminal profile."""
