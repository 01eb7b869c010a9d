"""How a running house is shown over HTTP: whether it lives, whether it is ready, its figures. Read only."""
