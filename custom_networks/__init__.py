"""Python components of the Axial bundles; configs name them as ``scripts.custom_networks.NAME``.

The names stand in ``__init__.pyi``, where type checkers read them too; a component is imported when it is first named, so an error
type costs no torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
