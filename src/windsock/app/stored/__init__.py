"""What the parts of a service ask the store for."""
