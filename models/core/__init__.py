"""Training thousands of equilibrium networks at once: explicit gradients, solved in place, run by run.

A setting says how it fills the equation T = phi(M T + C) (`models.settings.network`); here only that
equation is known. Nothing uses autograd.
"""
