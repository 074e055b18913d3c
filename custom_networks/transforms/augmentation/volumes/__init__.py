"""Augmentation of whole batches on the device that trains; each class is called with a batch and returns it changed."""
