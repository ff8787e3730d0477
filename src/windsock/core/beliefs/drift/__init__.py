"""Whether the quality of a deployment has changed, by its rewards alone."""
