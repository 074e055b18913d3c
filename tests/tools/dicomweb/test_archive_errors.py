"""What goes wrong with an archive is one line that says what to do; nothing is lost and no secret told."""

import datetime
import json
import ssl
import threading
import time
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pydicom
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from dicom_files import write_ct
from tiny_bundle import make_tiny_bundle

from custom_networks import UserError
from tools.dicomweb import session
from tools.dicomweb.address import parse_address
from tools.dicomweb.archive import Archives

VOLUME = np.full((6, 5, 4), -500, np.int16)
VOLUME[1:3, 1:4, 1:3] = 300


class Stub(ThreadingHTTPServer):
    """An archive of one CT series that does what ``fault`` says, of the requests whose kind is ``at``: list, fetch, store."""

    def __init__(self, folder) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files = [file.read_bytes() for file in sorted(folder.iterdir())]
        header = pydicom.dcmread(next(folder.iterdir()), stop_before_pixels=True)
        self.study, self.series = header.StudyInstanceUID, header.SeriesInstanceUID
        header.NumberOfSeriesRelatedInstances = len(self.files)
        names = ("SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription", "NumberOfSeriesRelatedInstances")
        self.listed = json.dumps([{f"{header[name].tag:08X}": header[name].to_json_dict(None, 0) for name in names}])
        self.fault, self.at, self.seen = None, None, []

    def handle_error(self, request, client_address) -> None:
        """Broken connections are what is tested."""

    def address(self, scheme: str = "dicomweb+http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.server_port}/pacs/studies/{self.study}"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind = "list" if "/series?" in self.path or self.path.endswith("/series") else "find" if "?" in self.path else "fetch"
        self.seen(kind)
        if kind == "list":
            self.send(200, self.server.listed.encode(), "application/dicom+json")
        elif kind == "find":
            self.send(200, b"[]", "application/dicom+json")
        elif not self.faulty(kind):
            self.send_parts(self.server.files)

    def do_POST(self) -> None:
        self.seen("store")
        if self.headers.get("Transfer-Encoding") != "chunked":
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.faulty("store"):
            self.send(200, b"{}", "application/dicom+json")

    def seen(self, kind: str) -> None:
        self.server.seen.append((kind, self.headers.get("Authorization")))

    def faulty(self, kind: str) -> bool:
        if self.server.fault is None or self.server.at != kind:
            return False
        self.server.fault(self)
        return True

    def send(self, code: int, content: bytes, kind: str = "text/html", **headers) -> None:
        if (
            code == 200
            and kind.endswith("json")
            and self.command == "GET"
            and self.faulty("list" if "series" in self.path else "find")
        ):
            return
        self.send_response(code)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def send_parts(self, files, end: bytes = b"\r\n--x--\r\n", promised: int = 0) -> None:
        content = b"".join(b"\r\n--x\r\nContent-Type: application/dicom\r\n\r\n" + file for file in files) + end
        self.send_response(200)
        self.send_header("Content-Type", 'multipart/related; type="application/dicom"; boundary=x')
        self.send_header("Content-Length", str(promised or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_) -> None:
        pass


def code(number: int):
    return lambda answer: answer.send_response(number) or answer.send_header("Content-Length", "0") or answer.end_headers()


def silent(answer) -> None:
    time.sleep(1)


def one_left_out(answer) -> None:
    answer.send_parts(answer.server.files[:-1])


def cut(answer) -> None:
    answer.send_parts([*answer.server.files[:2], answer.server.files[2][:400]], b"", promised=10**6)
    answer.close_connection = True


def not_dicom(answer) -> None:
    answer.send_parts([b"this is no DICOM file"] * 4)


def odd_uid(answer) -> None:
    files = []
    for content in answer.server.files:
        dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
        dataset.SOPInstanceUID = "../../escaped"
        buffer = pydicom.filebase.DicomBytesIO()
        dataset.save_as(buffer)
        files.append(buffer.getvalue())
    answer.send_parts(files)


def html(answer) -> None:
    content = b"<html>welcome</html>"
    answer.send_response(200)
    answer.send_header("Content-Length", str(len(content)))
    answer.send_header("Content-Type", "text/html")
    answer.end_headers()
    answer.wfile.write(content)


def elsewhere(answer) -> None:
    answer.send_response(302)
    answer.send_header("Location", "http://example.invalid/pacs")
    answer.send_header("Content-Length", "0")
    answer.end_headers()


def refused_file(answer) -> None:
    content = json.dumps({"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [49442]}}]}}).encode()
    answer.send_response(202)
    answer.send_header("Content-Type", "application/dicom+json")
    answer.send_header("Content-Length", str(len(content)))
    answer.end_headers()
    answer.wfile.write(content)


@contextmanager
def served(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    return write_ct(tmp_path_factory.mktemp("stub") / "ct", VOLUME)


@pytest.fixture
def stub(series):
    with served(Stub(series)) as server:
        yield server


@pytest.fixture
def archives():
    with ExitStack() as stack:
        yield Archives(stack, "CT")


@pytest.mark.parametrize(
    ("at", "fault", "words"),
    [
        ("list", code(401), "asks for credentials (401). Set AXIAL_DICOMWEB_USER"),
        ("list", code(403), "does not allow it (403)"),
        ("list", code(404), "not found (404). Check the UIDs, and the path before /studies"),
        ("list", code(400), "refuses (400"),
        ("list", code(500), "a fault of the archive (500)"),
        ("list", code(503), "a fault of the archive (503)"),
        ("list", html, "the answer is not DICOMweb's"),
        ("list", elsewhere, "sends to http://example.invalid/pacs"),
        ("list", silent, "no answer in time"),
        ("fetch", code(404), "not found (404)"),
        ("fetch", one_left_out, "only 3 of 4 files came"),
        ("fetch", cut, "the connection broke"),
        ("fetch", not_dicom, "the answer is not DICOMweb's"),
        ("fetch", odd_uid, "is no DICOM UID"),
        ("fetch", html, "the answer is not DICOMweb's"),
    ],
)
def test_faults_of_fetching(stub, archives, monkeypatch, tmp_path, at, fault, words):
    monkeypatch.setattr(session, "ANSWER_SECONDS", 0.3)
    stub.fault, stub.at = fault, at
    with pytest.raises(UserError) as caught:
        archives.fetch(stub.address())
    assert words in str(caught.value) and stub.address() in str(caught.value)
    assert not list(tmp_path.parent.rglob("escaped*"))


def test_one_that_is_busy_is_asked_again(stub, archives):
    def busy_once(answer):
        stub.fault = None
        code(503)(answer)

    stub.fault, stub.at = busy_once, "list"
    assert len(list(archives.fetch(stub.address()).iterdir())) == 4


def test_nobody_there(archives):
    with pytest.raises(UserError, match=r"cannot be reached \(connection refused\).*Check host and port"):
        archives.fetch("dicomweb+http://127.0.0.1:9/pacs/studies/1.2.3")
    with pytest.raises(UserError, match="cannot be reached"):
        archives.fetch("dicomweb://archive.invalid/studies/1.2.3")


def certificate(folder):
    """A key and a certificate of its own for localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


def test_certificates_are_checked(series, tmp_path, monkeypatch):
    server = Stub(series)
    server.socket = certificate(tmp_path).wrap_socket(server.socket, server_side=True)
    with served(server), ExitStack() as stack:
        archives = Archives(stack, "CT")
        monkeypatch.setenv("AXIAL_DICOMWEB_TOKEN", "a-token")
        with pytest.raises(UserError, match=r"certificate of the archive is not trusted.*AXIAL_DICOMWEB_CA"):
            archives.fetch(server.address("dicomweb", "localhost"))
        assert server.seen == []  # no request, no token
        monkeypatch.setenv("AXIAL_DICOMWEB_CA", str(tmp_path / "ca.pem"))
        assert len(list(archives.fetch(server.address("dicomweb", "localhost")).iterdir())) == 4
        assert {sent for _, sent in server.seen} == {"Bearer a-token"}
        with pytest.raises(UserError, match="not trusted"):  # of another name
            archives.fetch(server.address("dicomweb", "127.0.0.1"))
        monkeypatch.setenv("AXIAL_DICOMWEB_CA", str(tmp_path / "missing.pem"))
        with pytest.raises(UserError, match="no such file"):
            archives.fetch(f"{server.address('dicomweb', 'localhost')}/series/{server.series}")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"TOKEN": "a\nb"}, "characters that a token cannot have"),
        ({"TOKEN": "a", "USER": "u", "PASSWORD": "hush"}, "both set"),
        ({"USER": "u"}, "one is not set"),
        ({"PASSWORD": "hush"}, "one is not set"),
    ],
)
def test_credentials_that_are_not_whole(stub, archives, monkeypatch, environment, words):
    for name, value in environment.items():
        monkeypatch.setenv(f"AXIAL_DICOMWEB_{name}", value)
    with pytest.raises(UserError, match=words) as caught:
        archives.fetch(stub.address())
    assert "hush" not in str(caught.value) and stub.seen == []


def test_credentials_of_other_programs_are_left_alone(stub, archives, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hush\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    archives.fetch(stub.address())
    assert {sent for _, sent in stub.seen} == {None}
    monkeypatch.setenv("AXIAL_DICOMWEB_USER", "münchen")
    monkeypatch.setenv("AXIAL_DICOMWEB_PASSWORD", "pass wörd")
    archives.fetch(f"{stub.address()}/series/{stub.series}")
    assert stub.seen[-1][1] == "Basic bcO8bmNoZW46cGFzcyB3w7ZyZA=="


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dicomweb+http://pacs.example/studies/1.2.3", "in the clear.*--plain-http"),
        ("dicomweb+http://127.0.0.1.example.com/studies/1.2.3", "in the clear"),
        ("dicomweb://me:hush@pacs.example/studies/1.2.3", "AXIAL_DICOMWEB_PASSWORD"),
        ("dicomweb://hush@pacs.example/studies/1.2.3", "credentials do not belong"),
        ("dicomweb://pacs.example/studies", "names no study"),
        ("dicomweb://pacs.example/studies/", "names no study"),
        ("dicomweb://pacs.example/studies/..", "no DICOM UID"),
        ("dicomweb://pacs.example/studies/1.2.3/series/%2e%2e", "no DICOM UID"),
        ("dicomweb://pacs.example/studies/1.2.3/instances/4", "names no study"),
        ("dicomweb://pacs.example/studies/1.2.3?x=1", "not an address"),
        ("dicomweb://pacs.example:port/studies/1.2.3", "not an address"),
        ("dicomweb:///studies/1.2.3", "not an address"),
        ("https://pacs.example/studies/1.2.3", "not an address of a study. Give dicomweb://"),
        ("dicomweb+ftp://pacs.example/studies/1.2.3", "not an address"),
        (f"dicomweb://pacs.example/studies/{'1.' * 33}1", "no DICOM UID"),
    ],
)
def test_odd_addresses(text, words):
    with pytest.raises(UserError, match=words) as caught:
        parse_address(text)
    assert "hush" not in str(caught.value)


def test_addresses():
    plain = parse_address("dicomweb+http://pacs.example/a/b/studies/1.2/series/3.4/", plain_http=True)
    assert (plain.service, plain.study, plain.series) == ("http://pacs.example/a/b", "1.2", "3.4")
    assert parse_address("dicomweb://pacs.example:8443/studies/1.2").service == "https://pacs.example:8443"
    for text in ("dicomweb+http://localhost:8042/dicom-web/studies/1.2", "dicomweb+http://[::1]:8042/studies/1.2/series/5"):
        assert str(parse_address(text)) == text


@pytest.fixture
def segment(tools, tmp_path):
    tiny = make_tiny_bundle(tmp_path / "tiny" / "spots_segmentation", modality="CT")
    return lambda *arguments: tools("segment", tiny, *arguments, "--trust")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (code(409), "refuses (409"),
        (refused_file, "refused the segmentation (failure reason 0xc122)"),
    ],
)
def test_a_segmentation_that_is_refused_stays(stub, segment, tmp_path, fault, words):
    out = tmp_path / "out"
    stub.fault, stub.at = fault, "store"
    number, printed = segment(stub.address(), "-o", out, "--store")
    assert number == 1 and words in printed and f"The segmentation is in {out}" in printed and "Traceback" not in printed
    before = pydicom.dcmread(next(out.glob("*_seg.dcm"))).SOPInstanceUID
    assert (out / "measures.csv").exists() and (out / "report.html").exists()
    stub.fault = None
    number, printed = segment(stub.address(), "-o", out, "--store")
    assert number == 0 and "stored as" in printed
    assert pydicom.dcmread(next(out.glob("*_seg.dcm"))).SOPInstanceUID == before
    assert [kind for kind, _ in stub.seen][-4:] == ["list", "fetch", "find", "store"]


def test_one_study_that_fails_leaves_the_others(stub, segment, series, tmp_path):
    address = f"{stub.address().rpartition('/')[0]}/1.2.3"
    number, printed = segment("dicomweb+http://127.0.0.1:9/pacs/studies/1.2.3", series, address, "-o", tmp_path / "out", "--json")
    assert number == 1, printed
    cases = json.JSONDecoder().raw_decode(printed[printed.index("{") :])[0]["cases"]
    assert [case["state"] for case in cases].count("done") == 2 and "connection refused" in cases[0]["error"]


def test_options_that_do_not_fit(segment, series, tmp_path):
    number, printed = segment(series, "-o", tmp_path / "out", "--store")
    assert number == 2 and "--store: no input is in an archive" in printed
    number, printed = segment("HTTPS://pacs.example/studies/1.2.3", "-o", tmp_path / "out")
    assert number == 2 and "Give dicomweb://" in printed
    number, printed = segment("dicomweb+http://pacs.example/studies/1.2.3", "-o", tmp_path / "out")
    assert number == 2 and "--plain-http" in printed and not (tmp_path / "out").exists()


def test_without_the_package(archives, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "dicomweb_client.web", None)
    with pytest.raises(UserError, match="pip install 'axial-bundles\\[dicomweb\\]'"):
        archives.fetch("dicomweb://pacs.example/studies/1.2.3")
