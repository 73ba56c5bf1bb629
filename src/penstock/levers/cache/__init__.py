"""Where to mark, for how long, and when not to."""
