"""Setting up, resuming and validating a training."""
