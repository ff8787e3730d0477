"""The ledger's short form: what repeats from request to request is kept once."""
