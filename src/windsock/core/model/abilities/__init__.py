"""What a deployment can do for a request, and under which terms."""
