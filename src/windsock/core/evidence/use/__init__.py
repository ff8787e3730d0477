"""What people do with answers, as far as it can be seen, as scores of them."""
