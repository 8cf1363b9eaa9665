"""Engines: what answers a search's requests. Each batches inside and knows nothing of the search."""
