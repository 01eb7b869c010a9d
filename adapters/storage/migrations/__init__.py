"""The database's history. Run by `adapters.storage.database.create` only, never by opening."""
