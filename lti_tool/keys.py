"""Our own signing keys: made, kept encrypted, published ahead of their use, and withdrawn.

Several are published at once. A new one is known to every VLE before it signs, and the one before it stays until
nothing that it signed can still be on its way, so that a rotation is noticed by nobody.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from jwt.algorithms import RSAAlgorithm

from lti_tool.models import ToolKey

# How long a process trusts its copy of the key, and a VLE its copy of the published set.
REREAD_SECONDS = 60
# VLEs keep key sets for up to a day; the hour is for copies on the way and clocks that differ.
PUBLISHED_AHEAD = timedelta(days=1, hours=1)
# In a hurry: what our Cache-Control allows a VLE, and a process to spare.
PUBLISHED_AHEAD_IN_A_HURRY = timedelta(seconds=2 * REREAD_SECONDS)
# What a superseded key signed is verified within the hour; the rest is patience.
WITHDRAWN_AFTER = timedelta(days=7)


class KeyUnreadable(Exception):
    """A key of ours that none of KEY_ENCRYPTION_KEYS decrypts. The message says what to do."""

    def __init__(self, kid: str) -> None:
        super().__init__(
            f"None of KEY_ENCRYPTION_KEYS decrypts the tool key {kid}. Put the one that encrypted it back, at the "
            "end of the list. If it is lost: manage.py rotate_keys --now makes a new tool key; once that signs, "
            f"manage.py rotate_keys --revoke {kid} takes this one away."
        )
        self.kid = kid


class KeyInUse(Exception):
    """A key that cannot be revoked yet, because it signs until another has taken over. The message says when."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key loaded for use: parsing and checking a PEM costs 36 ms, a signature 0.3."""

    kid: str
    private_key: rsa.RSAPrivateKey


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.KEY_ENCRYPTION_KEYS])


def make_key(*, signs_from: datetime | None = None) -> ToolKey:
    """Make and store a 2048-bit RSA key. It is published from now on and signs from `signs_from`, or at once."""
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    jwk = RSAAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
    # RFC 7638: the thumbprint of the required members, so that the same key always has the same name.
    canonical = f'{{"e":"{jwk["e"]}","kty":"RSA","n":"{jwk["n"]}"}}'
    kid = hashlib.sha256(canonical.encode()).hexdigest()[:32]
    public = {"kty": "RSA", "n": jwk["n"], "e": jwk["e"], "kid": kid, "alg": "RS256", "use": "sig"}
    return ToolKey.objects.create(
        kid=kid,
        encrypted_private_key=_cipher().encrypt(pem),
        public_jwk=public,
        signs_from=signs_from or timezone.now(),
    )


def ensure_key() -> None:
    """At the start, make the first key. Nobody knows another, so it signs at once."""
    with transaction.atomic():
        if not ToolKey.objects.exists():
            make_key()


# --- signing and publishing ---------------------------------------------------------------------------------

_loaded: tuple[float, SigningKey] | None = None


def signing_key() -> SigningKey:
    """The key to sign with now, kept in this process. Raises KeyUnreadable."""
    global _loaded
    if _loaded is None or time.monotonic() - _loaded[0] > REREAD_SECONDS:
        signs = key_that_signs(timezone.now())
        if _loaded is not None and _loaded[1].kid == signs.kid:
            _loaded = (time.monotonic(), _loaded[1])
        else:
            _loaded = (time.monotonic(), _load(signs))
    return _loaded[1]


def forget_loaded_key() -> None:
    """Read the key anew at the next signature (a new key was made, or a test has a new database)."""
    global _loaded
    _loaded = None


def key_that_signs(now: datetime) -> ToolKey:
    """The newest of those whose time has come; at the start, the first."""
    ours = in_order()
    if not ours:
        ensure_key()
        ours = in_order()
    return next((key for key in reversed(ours) if key.signs_from <= now), ours[0])


def in_order() -> list[ToolKey]:
    """All keys, in the order in which they sign."""
    return list(ToolKey.objects.order_by("signs_from", "pk"))


def _load(key: ToolKey) -> SigningKey:
    try:
        pem = _cipher().decrypt(bytes(key.encrypted_private_key))
    except InvalidToken:
        raise KeyUnreadable(key.kid) from None
    # We made it and it was authenticated by its encryption, so the costly validation is not needed.
    private_key = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(private_key, rsa.RSAPrivateKey)
    return SigningKey(key.kid, private_key)


def public_keys() -> dict[str, Any]:
    """The JWKS that VLEs fetch. A key is made when there is none, so the set is never empty."""
    published = ToolKey.objects.order_by("-signs_from", "-pk").values_list("public_jwk", flat=True)
    if not published:
        ensure_key()
        published = published.all()
    return {"keys": list(published)}


# --- rotation -----------------------------------------------------------------------------------------------


@transaction.atomic
def rotate(now: datetime, *, in_a_hurry: bool = False) -> ToolKey:
    """Publish a new key, to sign once every VLE can know it.

    In a hurry (a key got out) that is in two minutes: VLEs that keep key sets for longer must fetch ours anew when
    they meet a key that they do not know, as most do. Keys that waited for their turn go: they have signed nothing,
    and may have got out too.
    """
    _one_at_a_time()
    if in_a_hurry:
        ToolKey.objects.filter(signs_from__gt=now).delete()
    return make_key(signs_from=now + (PUBLISHED_AHEAD_IN_A_HURRY if in_a_hurry else PUBLISHED_AHEAD))


def look_after(now: datetime) -> None:
    """What the schedule does every day: rotate when it is time, and withdraw what is superseded."""
    rotate_when_due(now)
    withdraw_superseded(now)


@transaction.atomic
def rotate_when_due(now: datetime) -> ToolKey | None:
    """Publish a new key when the newest is older than KEY_ROTATION_DAYS. Of many that ask at once, one does it."""
    if not settings.KEY_ROTATION_DAYS:
        return None
    _one_at_a_time()
    newest = ToolKey.objects.order_by("-created_at").first()
    if newest and newest.created_at > now - timedelta(days=settings.KEY_ROTATION_DAYS):
        return None
    return rotate(now)


@transaction.atomic
def withdraw_superseded(now: datetime) -> int:
    """Delete the keys, private part and all, whose successor has signed for a week. Returns how many."""
    _one_at_a_time()
    over = [key.pk for key, next_key in pairwise(in_order()) if next_key.signs_from + WITHDRAWN_AFTER <= now]
    return ToolKey.objects.filter(pk__in=over).delete()[0]


@transaction.atomic
def revoke(kid: str, now: datetime) -> None:
    """Take one key out of the published set at once, and delete it.

    Raises ToolKey.DoesNotExist, or KeyInUse while a process of ours may still sign with it.
    """
    _one_at_a_time()
    ours = in_order()
    key = next((key for key in ours if key.kid == kid), None)
    if key is None:
        raise ToolKey.DoesNotExist
    taken_over = superseded_at(key, ours)
    if taken_over is None and (key.signs_from <= now or len(ours) == 1):
        raise KeyInUse(f"{kid} is the key that signs. Make another first: manage.py rotate_keys --now")
    # A process may go on signing with it until it has looked again which key signs.
    free_from = taken_over and taken_over + timedelta(seconds=REREAD_SECONDS)
    if free_from and key.signs_from <= now < free_from:
        raise KeyInUse(f"{kid} signs until {free_from:%Y-%m-%d %H:%M:%S %Z}. Run this again then.")
    key.delete()


def superseded_at(key: ToolKey, keys_in_order: Sequence[ToolKey]) -> datetime | None:
    """When the next key takes over from `key`; None while there is none."""
    return next((after.signs_from for before, after in pairwise(keys_in_order) if before.pk == key.pk), None)


def _one_at_a_time() -> None:
    """Wait for whoever is rotating. (SQLite's transactions wait for each other by themselves.)"""
    list(ToolKey.objects.select_for_update().order_by("pk").values_list("pk", flat=True))


def reencrypt() -> tuple[int, list[KeyUnreadable]]:
    """Encrypt every key with the first of KEY_ENCRYPTION_KEYS. How many, and those that none of them decrypts."""
    done, unreadable = 0, []
    for pk, kid, encrypted in ToolKey.objects.order_by("pk").values_list(
        "pk", "kid", "encrypted_private_key"
    ):
        try:
            fresh = _cipher().rotate(bytes(encrypted))
        except InvalidToken:
            unreadable.append(KeyUnreadable(kid))
        else:
            done += ToolKey.objects.filter(pk=pk).update(encrypted_private_key=fresh)
    return done, unreadable
