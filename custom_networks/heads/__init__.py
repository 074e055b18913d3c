"""Heads as scanners make them: find the brain, register sequences, take the bias field away."""
