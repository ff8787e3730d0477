"""Chat completions as clients ask for them."""
