"""The solver behind an OpenAI-compatible endpoint: `rstar serve`, see docs/serve.md."""
