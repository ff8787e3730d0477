"""What replicas that share one PostgreSQL keep there: what they tell, who leads, who may spend."""
