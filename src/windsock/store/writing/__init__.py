"""How entries of the ledger become rows: what waits, who may write, and one transaction a batch."""
