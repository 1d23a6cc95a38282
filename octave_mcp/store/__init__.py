"""Stores runs and everything that belongs to a run, in SQLite (the default) or Postgres."""
