"""What decides: theorem language, rigorous evaluation, symbolic checks, audits, certificates."""
