"""The directory: what administrators write, one file a noun, a row or a handful at a time."""
