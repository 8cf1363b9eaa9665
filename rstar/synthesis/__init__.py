"""Synthesis: problems, a teacher and searches become training data."""
