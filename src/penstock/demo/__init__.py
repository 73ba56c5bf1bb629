"""The loop on an embedded provider: three workloads, recorded, audited, replayed, served and proved."""
