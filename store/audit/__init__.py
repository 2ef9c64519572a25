"""Proofs that the tables are right: checks, the rebuild with the model, fingerprints."""
