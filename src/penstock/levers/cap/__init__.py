"""How long an answer may be."""
