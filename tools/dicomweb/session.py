"""Ask a DICOMweb archive, and say in a user's words what went wrong."""

import base64
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from pydicom.errors import InvalidDicomError

from custom_networks.errors import UserError

from .address import Address

if TYPE_CHECKING:
    from dicomweb_client.web import DICOMwebClient

CONNECT_SECONDS, ANSWER_SECONDS = 10, 120  # without a sign of life
CREDENTIALS = "AXIAL_DICOMWEB_USER and AXIAL_DICOMWEB_PASSWORD, or AXIAL_DICOMWEB_TOKEN"
BUSY = (429, 502, 503, 504)  # asked again
REASONS = (
    "Name or service not known", "Temporary failure in name resolution", "No address associated", "Connection refused",
    "No route to host", "Network is unreachable", "Remote end closed connection", "Connection reset by peer",
)  # fmt: skip


def connect(address: Address) -> "DICOMwebClient":
    """Return a client of an archive, with credentials and certificates from the environment.

    ``AXIAL_DICOMWEB_USER`` and ``AXIAL_DICOMWEB_PASSWORD``, or ``AXIAL_DICOMWEB_TOKEN``; ``AXIAL_DICOMWEB_CA`` is a file of
    certificates (PEM) to trust in place of the public ones. Redirections are not followed, for they could lead images elsewhere.

    Raises:
        UserError: when dicomweb-client is missing, or the environment is not complete.
    """
    try:
        import requests
        from dicomweb_client.web import DICOMwebClient
        from urllib3.util import Retry
    except ImportError as error:
        raise UserError(
            f"{address}: the package dicomweb-client is not installed.", "pip install 'axial-bundles[dicomweb]' brings it."
        ) from error

    authority = os.environ.get("AXIAL_DICOMWEB_CA")
    if authority and not Path(authority).is_file():
        raise UserError(f"AXIAL_DICOMWEB_CA: {authority}: no such file.", "Name a file of certificates (PEM).")

    class Adapter(requests.adapters.HTTPAdapter):
        def send(self, request, **options):
            options["timeout"] = (CONNECT_SECONDS, ANSWER_SECONDS)
            if authority:  # before what requests takes from its own variables
                options["verify"] = authority
            return super().send(request, **options)

    logging.getLogger("retrying").setLevel(logging.CRITICAL)  # it logs tracebacks of what is explained
    session = requests.Session()
    once = {"connect": 0, "other": 0, "read": False, "redirect": False}
    retry = Retry(total=2, status=2, status_forcelist=BUSY, backoff_factor=0.2, raise_on_status=False, **once)
    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter(max_retries=retry))
    session.max_redirects = 0
    session.auth = _credentials()  # one that does nothing keeps requests from looking into ~/.netrc
    client = DICOMwebClient(address.service, session, permissive_uid=True)
    client.set_http_retry_params(retry=False)  # the session does it
    client.host = urlsplit(address.service).netloc  # the port belongs into the header Host
    return client


def _credentials() -> Callable:
    user, password = (os.environ.get(f"AXIAL_DICOMWEB_{name}", "") for name in ("USER", "PASSWORD"))
    token = os.environ.get("AXIAL_DICOMWEB_TOKEN", "")
    if token and (user or password):
        raise UserError("AXIAL_DICOMWEB_TOKEN and AXIAL_DICOMWEB_USER are both set.", "Unset one of them.")
    if bool(user) != bool(password):
        raise UserError("of AXIAL_DICOMWEB_USER and AXIAL_DICOMWEB_PASSWORD one is not set.", "Set both.")
    header = None
    if token:
        if not (token.isascii() and token.isprintable()):
            raise UserError("AXIAL_DICOMWEB_TOKEN holds characters that a token cannot have.", "Set it without line breaks.")
        header = f"Bearer {token}"
    elif user:
        header = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def authorise(request):
        if header is not None:
            request.headers["Authorization"] = header
        return request

    return authorise


@contextmanager
def explained(address: Address, what: str) -> Iterator[None]:
    """Turn what goes wrong with an archive into a `UserError`.

    Args:
        address: that was asked for, named in the message.
        what: was being done, such as ``fetching``.
    """
    from requests import exceptions

    try:
        yield
    except exceptions.SSLError as error:
        reason = str(error).rpartition("] ")[2].partition(" (_ssl")[0][:200]
        raise UserError(
            f"{address}: {what}: the certificate of the archive is not trusted ({reason}).",
            "Set AXIAL_DICOMWEB_CA to the certificates (PEM) of your institution, and use the name that they are for.",
        ) from error
    except exceptions.TooManyRedirects as error:
        answer = error.response
        place = "elsewhere" if answer is None else urljoin(answer.url, answer.headers.get("Location", ""))[:300]
        raise UserError(f"{address}: {what}: the archive sends to {place}.", "Give that address, if you trust it.") from error
    except exceptions.HTTPError as error:
        raise _refused(address, what, error.response) from error
    except exceptions.Timeout as error:
        raise UserError(
            f"{address}: {what}: no answer in time.", "Is the archive running, and its port open? Try again."
        ) from error
    except exceptions.ChunkedEncodingError as error:
        raise UserError(f"{address}: {what}: the connection broke.", "Run the same command again.") from error
    except exceptions.ConnectionError as error:
        raise UserError(
            f"{address}: {what}: the archive cannot be reached ({_reason(error)}).",
            "Check host and port, and whether the archive is running; dicomweb+http:// is for archives without HTTPS.",
        ) from error
    except (
        ValueError,
        KeyError,
        AttributeError,
        TypeError,
        EOFError,
        OSError,
        InvalidDicomError,
    ) as error:  # of HTTP, JSON, multipart or DICOM
        if isinstance(error, OSError) and error.errno is not None:
            raise UserError(f"{address}: {what}: {error.strerror}.", "Free the disk, or set TMPDIR to another one.") from error
        raise UserError(
            f"{address}: {what}: the answer is not DICOMweb's ({type(error).__name__}).",
            "Check the path before /studies; that of Orthanc is /dicom-web.",
        ) from error


def _reason(error: Exception) -> str:
    """Return the innermost reason of a connection error, without addresses of objects."""
    text = str(error)
    return next((reason.lower() for reason in REASONS if reason in text), "no connection")


def _refused(address: Address, what: str, response) -> UserError:
    code, asked = response.status_code, "Authorization" in response.request.headers
    if code == 401:
        problem = "does not know these credentials" if asked else "asks for credentials"
        return UserError(f"{address}: {what}: the archive {problem} (401).", f"Set {CREDENTIALS}.")
    if code == 403:
        return UserError(f"{address}: {what}: the archive does not allow it (403).", "Ask its administrator for the right.")
    if code == 404:
        return UserError(
            f"{address}: {what}: not found (404).", "Check the UIDs, and the path before /studies; that of Orthanc is /dicom-web."
        )
    if code == 413:
        return UserError(f"{address}: {what}: too large for the archive (413).", "Ask its administrator for a higher limit.")
    if code >= 500:
        return UserError(f"{address}: {what}: a fault of the archive ({code}).", "Try again; its log says more.")
    return UserError(f"{address}: {what}: the archive refuses ({code} {response.reason}).", "Its log says more.")
