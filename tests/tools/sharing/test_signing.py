"""Zips are signed by one key, and no other key and no altered zip passes."""

import stat
import zipfile

import pytest
from conftest import DIGITS
from typer.testing import CliRunner

from custom_networks import UserError
from tools.bundles import Bundle
from tools.cli.app import app
from tools.sharing.packing import pack
from tools.sharing.review import review
from tools.sharing.signing import is_signed_by, make_keys, sign


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {name: (folder / name, make_keys(folder / name)) for name in ("anna", "mallory")}


@pytest.fixture(scope="module")
def signed(keys, tmp_path_factory):
    return pack(Bundle(DIGITS), tmp_path_factory.mktemp("zip"), keys["anna"][0])


def test_the_private_key_is_its_owners_alone(keys):
    private, public = keys["anna"]
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert public.name == "anna.pub" and b"PRIVATE" not in public.read_bytes()
    with pytest.raises(UserError, match="already exists"):
        make_keys(private)


def test_a_signature_fits_one_text_and_one_key(keys):
    signature = sign(b"text", keys["anna"][0])
    assert is_signed_by(b"text", signature, keys["anna"][1])
    assert not is_signed_by(b"texT", signature, keys["anna"][1])
    assert not is_signed_by(b"text", signature, keys["mallory"][1])


def test_signed_zips_are_reproducible_and_reviewed(keys, signed, tmp_path):
    assert pack(Bundle(DIGITS), tmp_path, keys["anna"][0]).read_bytes() == signed.read_bytes()
    assert review(signed, keys["anna"][1]).top == DIGITS.name
    assert review(signed).top == DIGITS.name


def test_other_signatures_are_refused(keys, signed, tmp_path):
    with pytest.raises(UserError, match=r"not signed by the owner of .*mallory\.pub"):
        review(signed, keys["mallory"][1])
    with pytest.raises(UserError, match="it is not signed"):
        review(pack(Bundle(DIGITS), tmp_path), keys["anna"][1])


def test_a_new_manifest_under_an_old_signature_is_refused(keys, signed, tmp_path):
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(signed) as source, zipfile.ZipFile(forged, "w") as target:
        for info in source.infolist():
            content = source.read(info)
            target.writestr(info, content + b" " if info.filename.endswith("manifest.json") else content)
    with pytest.raises(UserError, match="not signed by"):
        review(forged, keys["anna"][1])


def test_files_that_are_no_keys(keys, tmp_path):
    private, public = keys["anna"]
    other = tmp_path / "other"
    other.write_text("no key")
    for call in (lambda: sign(b"", other), lambda: sign(b"", public), lambda: is_signed_by(b"", b"", other)):
        with pytest.raises(UserError, match=r"no (private|public) key"):
            call()
    with pytest.raises(UserError, match="no public key"):
        is_signed_by(b"", b"", private)


def test_keys_made_and_signed_with_by_command_verify(signed, keys, tmp_path):
    made = CliRunner().invoke(app, ["keys", str(tmp_path / "bob")])
    assert made.exit_code == 0 and (tmp_path / "bob.pub").is_file()
    packed = CliRunner().invoke(app, ["pack", "digits", "-o", str(tmp_path), "--sign", str(tmp_path / "bob")])
    assert packed.exit_code == 0
    archive = str(next(tmp_path.glob("*.zip")))
    assert CliRunner().invoke(app, ["verify", archive, "--key", str(tmp_path / "bob.pub")]).exit_code == 0
    assert CliRunner().invoke(app, ["verify", archive, "--key", str(keys["anna"][1])]).exit_code == 1
