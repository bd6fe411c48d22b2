"""The keys of the platform, and the reading of what the tool signs."""

from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


class PlatformKey:
    """A signing key of the platform. Making one takes a while, so tests share a few."""

    _made: list[rsa.RSAPrivateKey] = []

    def __init__(self, number: int = 0) -> None:
        while len(self._made) <= number:
            self._made.append(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        self.private_key = self._made[number]
        self.kid = f"platform-key-{number}"

    def jwk(self) -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "alg": "RS256", "use": "sig"}

    def sign(self, claims: Any, headers: Mapping[str, Any] | None = None, algorithm: str = "RS256") -> str:
        named = {"kid": self.kid} if headers is None else dict(headers)
        return jwt.encode(claims, self.private_key, algorithm=algorithm, headers=named)


def read_signed(
    token: str, keys: Sequence[Mapping[str, Any]], *, required: Sequence[str], audience: str | None
) -> dict[str, Any]:
    """What the tool signed, by the key that its header names. `audience` None: not looked at.

    Raises jwt.InvalidTokenError: every time of it, the type and the signature are checked, without leeway.
    """
    header = jwt.get_unverified_header(token)
    if not isinstance(header.get("kid"), str):
        raise jwt.InvalidTokenError("kid must be provided in JWT header.")
    jwk = next((key for key in keys if key["kid"] == header["kid"]), None)
    if jwk is None:
        raise jwt.InvalidTokenError("kid is not in the tool's key set")
    if "d" in jwk:
        raise jwt.InvalidTokenError("the tool publishes its private key")
    said: dict[str, Any] = jwt.decode(
        token,
        jwt.PyJWK(dict(jwk)).key,
        algorithms=["RS256"],
        audience=audience,
        options={"require": list(required), "verify_aud": audience is not None},
    )
    return said
