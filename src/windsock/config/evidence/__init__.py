"""What is known of answers, and by whom: settings."""
