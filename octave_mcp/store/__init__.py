"""Storage of runs and everything that belongs to them, in SQLite (default) or Postgres."""
