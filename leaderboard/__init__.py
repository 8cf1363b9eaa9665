"""Read records and publish them. Imports everything to its left, is imported by nothing."""
