"""What is asked and what counts as correct. Imports nothing of `rstar`, `harness` or `leaderboard`."""
