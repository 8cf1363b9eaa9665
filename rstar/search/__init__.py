"""Searches: how a budget of trajectories is spent on one problem. Each is one coroutine over one problem."""
