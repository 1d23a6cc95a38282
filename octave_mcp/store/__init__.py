"""What runs store, in one database: SQLite by default, Postgres by URL."""
