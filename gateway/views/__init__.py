"""Pure folds over journal records: what a citizen is shown."""
