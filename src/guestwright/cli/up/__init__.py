"""Commands on the engine's own machine: `up`, and the change of its keys."""
