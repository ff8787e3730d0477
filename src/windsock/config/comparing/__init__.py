"""Settings of what asks a second deployment."""
