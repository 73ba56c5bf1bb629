"""Recorded calls through the engine and the cache model, for no money."""
