"""Augmentation of whole batches on the device of the network."""
