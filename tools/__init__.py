"""Segment scans from Python; ``axial`` is the folder ``tools`` of a checkout.

>>> import axial
>>> [bundle.name for bundle in axial.list_bundles()][:2]
['chest_xray_organs_segmentation', 'handwritten_digits_classification']

The names stand in ``__init__.pyi``, where type checkers read them too; what is heavy is imported when it is first named.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
