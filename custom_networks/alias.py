"""A second name of a package, such that both names give the same modules and classes."""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def alias(name: str, package: str) -> None:
    """Let ``name`` stand for a package, so ``name.module.Class is package.module.Class``.

    Args:
        name: the second name, such as ``scripts.custom_networks``.
        package: the package's own name, which can be imported.
    """
    module = importlib.import_module(package)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
    if not any(isinstance(finder, _Submodules) and finder.name == name for finder in sys.meta_path):
        sys.meta_path.insert(0, _Submodules(name, package))


class _Submodules(MetaPathFinder, Loader):
    """Find ``name.module`` by importing ``package.module``, as long as ``name`` stands for ``package``.

    MONAI Label forgets every module called ``scripts`` between two bundles; the next bundle may bring its own
    ``scripts.custom_networks``, which is left alone.
    """

    def __init__(self, name: str, package: str) -> None:
        self.name, self.package = name, package

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not fullname.startswith(self.name + ".") or sys.modules.get(self.name) is not sys.modules.get(self.package, self):
            return None
        own_name = self.package + fullname.removeprefix(self.name)
        try:
            module = importlib.import_module(own_name)
        except ModuleNotFoundError as error:
            if error.name == own_name:
                return None
            raise
        return ModuleSpec(fullname, self, loader_state=(module, module.__spec__), is_package=hasattr(module, "__path__"))

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return spec.loader_state[0]

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = module.__spec__.loader_state[1]  # the import system has put the alias's in its place
