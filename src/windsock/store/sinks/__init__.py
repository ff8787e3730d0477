"""Where the ledger goes beside the database: one seam, and what stands behind it."""
