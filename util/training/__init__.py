"""Training without networks: learning rates, symptoms of trouble, the watchdog."""
