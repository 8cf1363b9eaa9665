"""Figures that others have published, as data with their sources. See README.md beside this file."""
