"""What every estimator and every problem must be: properties, each checked by a small function of its own."""
