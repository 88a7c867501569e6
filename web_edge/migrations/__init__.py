"""The database's history; `web_edge.database.Database.migrate` walks it."""
