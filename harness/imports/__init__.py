"""Results of other tools as runs of ours."""
