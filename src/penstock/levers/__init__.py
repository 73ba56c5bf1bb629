"""One file per technique; each proposes edits and never mutates a request."""
