"""Can the hypotheses of a theorem hold at all: a proof that they cannot, a witness, or how far they miss."""
