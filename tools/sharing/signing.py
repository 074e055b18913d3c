"""Sign packed bundles with Ed25519, so that a user knows who made one."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from custom_networks.errors import UserError

MAKE_KEYS = "Make a pair with `axial keys`."


def make_keys(private: Path) -> Path:
    """Write a new private key, readable by its owner only, and beside it the public one, ``<name>.pub``.

    Returns:
        the public key's file.

    Raises:
        UserError: when one of the files already exists or cannot be written.
    """
    public = private.with_name(f"{private.name}.pub")
    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    shared = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    for path, content, mode in ((private, secret, 0o600), (public, shared, 0o644)):
        try:
            path.touch(mode=mode, exist_ok=False)
            path.write_bytes(content)
        except FileExistsError as error:
            raise UserError(f"{path}: already exists.", "A key is never overwritten; choose another name.") from error
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror}).", "Choose another folder.") from error
    return public


def sign(content: bytes, private: Path) -> bytes:
    """Return the Ed25519 signature, 64 bytes, of ``content``.

    Raises:
        UserError: when the file is no private key of that kind.
    """
    try:
        key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UserError(f"{private}: no private key without a password.", MAKE_KEYS) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UserError(f"{private}: not an Ed25519 key.", MAKE_KEYS)
    return key.sign(content)


def is_signed_by(content: bytes, signature: bytes, public: Path) -> bool:
    """Tell whether the owner of a public key signed ``content``.

    Raises:
        UserError: when the file is no public key of that kind.
    """
    try:
        key = serialization.load_pem_public_key(public.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise UserError(f"{public}: no public key.", "Ask the bundle's author for the .pub file.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UserError(f"{public}: not an Ed25519 key.", "Ask the bundle's author for the .pub file.")
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True
