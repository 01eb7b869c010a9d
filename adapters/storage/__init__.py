"""Storage: where journal, records and outbox are kept."""
