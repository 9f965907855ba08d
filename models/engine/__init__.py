"""The engine of models: execution, optimizers, precision, CUDA graphs, weight averages, image pools."""
