"""Training: from examples and preference pairs to a policy and a process preference model (PPM)."""
