"""The measured claims of Penstock: one module per claim, one JSON per run."""
