"""Run, record, compare. Imports `rstar` and `tasks`."""
