"""Rewards: what a partial or finished solution is worth."""
