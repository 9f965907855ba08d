"""How steps are computed: optimizers, precision, CUDA graphs, weight averages, image pools."""
