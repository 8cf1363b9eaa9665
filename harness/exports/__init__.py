"""A run in the formats of other tools: one file per format, each read by its own tool in the tests."""
