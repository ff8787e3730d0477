"""OpenTelemetry, an extra: imported where OTEL_* variables ask for it, and nowhere else."""
