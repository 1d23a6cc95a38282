"""What is kept, in one database: SQLite by default, Postgres by URL."""
