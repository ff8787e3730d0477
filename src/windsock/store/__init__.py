"""The durable record: tables, the append-only ledger, and queries."""
