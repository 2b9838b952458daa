"""The PostgreSQL that comes along, the supervisor, the demo."""
