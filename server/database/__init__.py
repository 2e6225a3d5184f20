"""What the server remembers of devices and their events: SQLite by default, PostgreSQL by address."""
