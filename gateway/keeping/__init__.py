"""What keeps the log right over the years: retention and holds, restores, keys that change, the watch."""
