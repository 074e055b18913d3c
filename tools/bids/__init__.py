"""BIDS data sets in, BIDS derivatives out."""
