"""Looking after a store: what it holds, and taking it elsewhere."""
