"""Our own signing keys: made, kept encrypted, published."""

import hashlib
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from jwt.algorithms import RSAAlgorithm

from lti_tool.models import ToolKey

# How long a process trusts its copy of the key, and a VLE its copy of the published set.
REREAD_SECONDS = 60


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key loaded for use: parsing and checking a PEM costs 36 ms, a signature 0.3."""

    kid: str
    private_key: rsa.RSAPrivateKey


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.KEY_ENCRYPTION_KEYS])


def make_key() -> ToolKey:
    """Make and store a 2048-bit RSA key; it is published from now on, and the newest signs."""
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    jwk = RSAAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
    # RFC 7638: the thumbprint of the required members, so that the same key always has the same name.
    canonical = f'{{"e":"{jwk["e"]}","kty":"RSA","n":"{jwk["n"]}"}}'
    kid = hashlib.sha256(canonical.encode()).hexdigest()[:32]
    public = {"kty": "RSA", "n": jwk["n"], "e": jwk["e"], "kid": kid, "alg": "RS256", "use": "sig"}
    return ToolKey.objects.create(kid=kid, encrypted_private_key=_cipher().encrypt(pem), public_jwk=public)


def ensure_key() -> ToolKey:
    """The newest key; one is made when there is none."""
    with transaction.atomic():
        return ToolKey.objects.order_by("-pk").first() or make_key()


_loaded: tuple[float, SigningKey] | None = None


def signing_key() -> SigningKey:
    """The key to sign with now, kept in this process."""
    global _loaded
    if _loaded is None or time.monotonic() - _loaded[0] > REREAD_SECONDS:
        newest = _key_to_sign_with()
        if _loaded is not None and _loaded[1].kid == newest.kid:
            _loaded = (time.monotonic(), _loaded[1])
        else:
            _loaded = (time.monotonic(), _load(newest))
    return _loaded[1]


def _key_to_sign_with() -> ToolKey:
    """The newest key that has been published long enough for VLEs to know it; at the start, the only one."""
    known = ToolKey.objects.filter(created_at__lte=timezone.now() - timedelta(seconds=2 * REREAD_SECONDS))
    return known.order_by("-pk").first() or ensure_key()


def forget_loaded_key() -> None:
    """Read the key anew at the next signature (a new key was made, or a test has a new database)."""
    global _loaded
    _loaded = None


def _load(key: ToolKey) -> SigningKey:
    pem = _cipher().decrypt(bytes(key.encrypted_private_key))
    # We made it and it was authenticated by its encryption, so the costly validation is not needed.
    private_key = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(private_key, rsa.RSAPrivateKey)
    return SigningKey(key.kid, private_key)


def public_keys() -> dict[str, Any]:
    """The JWKS that VLEs fetch. A key is made when there is none, so the set is never empty."""
    ensure_key()
    return {"keys": list(ToolKey.objects.order_by("-pk").values_list("public_jwk", flat=True))}
