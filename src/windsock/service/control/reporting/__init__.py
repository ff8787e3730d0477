"""What a report tells: sums by group, and how their success is known."""
