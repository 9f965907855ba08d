"""Parts of training that know no networks: counters, learning rates, symptoms of trouble, the watchdog."""
