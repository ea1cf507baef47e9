"""Solving a theorem's hypotheses for what people ask: step, label norm, scale of the start, width."""
