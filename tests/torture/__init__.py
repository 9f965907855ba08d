"""Real trainings, killed and starved in every way a process can imitate. `python tests/torture` runs it all."""
