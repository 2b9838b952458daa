"""One file per widget: takes plain frozen data, emits messages."""
