"""What a body holds, before prices are made of it."""
