"""Usage objects in the dialects of providers, as counts that add up."""
