"""Proof steps decided: solvers asked, steps rewritten, boxes subdivided, every counterexample re-checked."""
