"""Bytes to meaning and back: request views, edits that keep every other byte, usage, event streams."""
