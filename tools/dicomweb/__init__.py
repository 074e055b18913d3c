"""Fetch series from a DICOMweb archive and store segmentations there."""
