"""Read-only pages over the ledger."""
