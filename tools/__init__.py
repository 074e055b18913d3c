"""Prepare data, segment scans, measure, report and share: the package ``axial``, which is the folder ``tools`` of a checkout."""

__version__ = "0.2.0"
