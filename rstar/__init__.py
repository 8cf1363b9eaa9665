"""How a problem is solved and how the models are made. Imports `tasks` only."""
