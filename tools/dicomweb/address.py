"""Addresses of studies and series in a DICOMweb archive."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from custom_networks.errors import UserError

SCHEMES = {"dicomweb": "https", "dicomweb+https": "https", "dicomweb+http": "http"}
BEGIN = ("dicomweb", "http")  # schemes; that of a browser is refused with the form to type
UID = re.compile(r"[0-9]+(\.[0-9]+)*", re.ASCII)
PATH = re.compile(r"(?P<prefix>.*)/studies/(?P<study>[^/]+)(/series/(?P<series>[^/]+))?/?")
FORM = "Give dicomweb://HOST[:PORT][/path]/studies/UID[/series/UID]."


@dataclass(frozen=True)
class Address:
    """A study, or one of its series, in an archive.

    Attributes:
        service: the archive's address for DICOMweb, such as ``https://pacs.example/dicom-web``.
        study: StudyInstanceUID.
        series: SeriesInstanceUID; None for the whole study.
    """

    service: str
    study: str
    series: str | None = None

    def __str__(self) -> str:
        scheme, _, rest = self.service.partition("://")
        typed = "dicomweb" if scheme == "https" else "dicomweb+http"
        return f"{typed}://{rest}/studies/{self.study}" + (f"/series/{self.series}" if self.series else "")


def is_address(source: object) -> bool:
    """Tell whether a user's input is an address, in an archive or a mistaken one, and no path."""
    scheme, mark, _ = str(source).partition("://")
    return isinstance(source, Address) or (isinstance(source, str) and mark != "" and scheme.lower().startswith(BEGIN))


def parse_address(text: str | Address, plain_http: bool = False) -> Address:
    """Return the address that a text stands for; ``dicomweb://`` is HTTPS, ``dicomweb+http://`` plain HTTP.

    Args:
        text: as the user typed it.
        plain_http: whether hosts other than this machine may be asked without encryption.

    Raises:
        UserError: when it is of another form, holds credentials, or is plain HTTP to another machine.
    """
    if isinstance(text, Address):
        return text
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UserError(f"{text.rpartition('@')[2]}: not an address.", FORM) from None
    if "@" in parts.netloc:  # the credentials are not repeated
        raise UserError(
            f"{parts.netloc.rpartition('@')[2]}: credentials do not belong into an address, which others can see.",
            "Set AXIAL_DICOMWEB_USER and AXIAL_DICOMWEB_PASSWORD, or AXIAL_DICOMWEB_TOKEN.",
        )
    if parts.scheme not in SCHEMES or not host or parts.query or parts.fragment:
        raise UserError(f"{text}: not an address of a study.", FORM)
    match = PATH.fullmatch(parts.path)
    if match is None:
        raise UserError(f"{text}: names no study.", FORM)
    for uid in filter(None, (match["study"], match["series"])):
        check_uid(uid, text)
    if SCHEMES[parts.scheme] == "http" and not (plain_http or _is_this_machine(host)):
        raise UserError(
            f"{text}: plain HTTP would send images and credentials in the clear.",
            "Use dicomweb:// (HTTPS), or add --plain-http in a network that you trust.",
        )
    place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port is not None else "")
    return Address(f"{SCHEMES[parts.scheme]}://{place}{match['prefix'].rstrip('/')}", match["study"], match["series"])


def check_uid(uid: str, where: object) -> str:
    """Return a DICOM UID, which becomes part of paths and addresses.

    Raises:
        UserError: when it is none.
    """
    if len(uid) > 64 or not UID.fullmatch(uid):
        raise UserError(f"{where}: {uid!r} is no DICOM UID.", "UIDs are digits and dots, at most 64.")
    return uid


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
