"""Kinds of results: how what a bundle writes is measured, drawn, shown and exported."""

from importlib import import_module

from custom_networks.errors import UserError

from ...bundles import Bundle, importable
from .category import Category
from .kind import CaseFiles, ResultKind
from .masks import GrayMatter, Lesions, Radiograph, Slices, Vertebrae, Volumes

__all__ = ["KINDS", "CaseFiles", "ResultKind", "kind_of"]

KINDS: dict[str, type[ResultKind]] = {
    "plain": ResultKind,
    "class": Category,
    "slices": Slices,
    "gray_matter": GrayMatter,
    "volumes": Volumes,
    "vertebrae": Vertebrae,
    "lesions": Lesions,
    "radiograph": Radiograph,
}
OWN = "scripts."  # begins the name of a class in the bundle's own Python files


def kind_of(bundle: Bundle) -> ResultKind:
    """Return the kind of a bundle's results, as ``result_kind`` of its metadata.json says; masks are ``volumes`` where it does not.

    Raises:
        UserError: when the name is not known, or the bundle's own class cannot be imported.
    """
    name = bundle.metadata.get("result_kind", "volumes" if bundle.is_segmentation else "class")
    if isinstance(name, str) and name in KINDS:
        return KINDS[name]()
    if not str(name).startswith(OWN):
        raise UserError(
            f"{bundle.name}: metadata.json: result_kind {name!r} is not known.", f"Use one of: {', '.join(KINDS)}, scripts.*."
        )
    return _own_kind(bundle, name)


def _own_kind(bundle: Bundle, name: str) -> ResultKind:
    module, _, attribute = name.rpartition(".")
    try:
        with importable(bundle.folder):
            own = getattr(import_module(module), attribute)
        return type(own.__name__, (own, KINDS[getattr(own, "like", "plain")]), {})()
    except Exception as error:  # whatever the foreign file does wrong is its author's to mend
        reason = f"{type(error).__name__}: {error}"
        raise UserError(f"{bundle.name}: result_kind {name} cannot be used ({reason}).", "Fix the class.") from error
