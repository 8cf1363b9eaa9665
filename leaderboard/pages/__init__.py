"""The pages that are about all runs together, one file each."""
