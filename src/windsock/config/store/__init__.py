"""Where records are kept, and how long."""
