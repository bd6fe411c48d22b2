"""The VLE's own RSA key pair, kept in its data folder, and what it signs with it."""

import json
import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode


@dataclass(frozen=True)
class SigningKey:
    private: RSAPrivateKey
    kid: str

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.private, algorithm="RS256", headers={"kid": self.kid})

    def as_public_jwk(self) -> dict[str, Any]:
        jwk = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {"kty": "RSA", "n": jwk["n"], "e": jwk["e"]} | {
            "kid": self.kid,
            "alg": "RS256",
            "use": "sig",
        }


def load_or_create_signing_key(path: Path) -> SigningKey:
    if not path.exists():
        private = generate_private_key(public_exponent=65537, key_size=2048)
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write_private(path, pem)
    loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(loaded, RSAPrivateKey):
        raise ValueError(f"{path} does not hold an RSA private key")
    return SigningKey(private=loaded, kid=_thumbprint(loaded))


def load_or_create_secret(path: Path) -> str:
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(48).encode())
    return path.read_text()


def _thumbprint(key: RSAPrivateKey) -> str:
    """RFC 7638: a kid that names the key itself, so it survives a restart unchanged."""
    jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    required = {"e": jwk["e"], "kty": "RSA", "n": jwk["n"]}
    digest = sha256(json.dumps(required, separators=(",", ":"), sort_keys=True).encode())
    return base64url_encode(digest.digest()).decode()


def _write_private(path: Path, content: bytes) -> None:
    """Readable by the owner alone, and whole or not at all."""
    half_written = path.with_name(f".{path.name}.{os.getpid()}")
    half_written.touch(mode=0o600)
    half_written.write_bytes(content)
    half_written.replace(path)
