"""Self-evolution: rounds of search, selection and training, each policy and PPM better data for the next round."""
