"""A town that does not exist: its people, its registers, its home. The main job is shown on it."""
