"""Our own signing keys: encrypted at rest, published without their private parts, rotated."""

import jwt
import pytest
from cryptography.fernet import Fernet, InvalidToken
from pytest_django import Settings

from lti_tool import keys
from lti_tool.models import ToolKey

pytestmark = pytest.mark.django_db


def signs(key: ToolKey) -> bool:
    """Whether what signs now is this key, checked with its public half."""
    now = keys.signing_key()
    token = jwt.encode({"a": 1}, now.private_key, algorithm="RS256", headers={"kid": now.kid})
    checked = jwt.decode(token, jwt.PyJWK(key.public_jwk).key, algorithms=["RS256"])
    return (now.kid, checked) == (key.kid, {"a": 1})


def test_a_key_is_kept_encrypted(tool_key: ToolKey, settings: Settings) -> None:
    stored = bytes(tool_key.encrypted_private_key)

    assert b"PRIVATE KEY" not in stored
    pem = Fernet(settings.KEY_ENCRYPTION_KEYS[0]).decrypt(stored)
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----")


def test_what_is_published_is_the_public_half(tool_key: ToolKey) -> None:
    assert keys.public_keys() == {"keys": [tool_key.public_jwk]}
    assert sorted(tool_key.public_jwk) == ["alg", "e", "kid", "kty", "n", "use"]
    assert tool_key.public_jwk["kid"] == tool_key.kid
    assert signs(tool_key)


def test_the_first_key_is_made_when_it_is_needed() -> None:
    assert len(keys.public_keys()["keys"]) == 1
    assert keys.signing_key().kid == ToolKey.objects.get().kid


def test_a_new_key_signs_and_the_old_one_stays_published(tool_key: ToolKey) -> None:
    assert signs(tool_key)
    newer = keys.make_key()
    keys.forget_loaded_key()

    assert signs(newer)
    assert [key["kid"] for key in keys.public_keys()["keys"]] == [newer.kid, tool_key.kid]


def test_a_key_that_was_loaded_is_not_read_at_each_signature(
    tool_key: ToolKey, django_assert_num_queries: object
) -> None:
    keys.signing_key()
    with django_assert_num_queries(0):  # type: ignore[operator]
        for _ in range(10):
            keys.signing_key()


def test_the_encryption_key_is_changed_without_a_stop(tool_key: ToolKey, settings: Settings) -> None:
    """The newest encrypts, all decrypt."""
    old = settings.KEY_ENCRYPTION_KEYS[0]
    new = Fernet.generate_key().decode()
    settings.KEY_ENCRYPTION_KEYS = [new, old]
    assert signs(tool_key)

    newer = keys.make_key()
    settings.KEY_ENCRYPTION_KEYS = [new]
    keys.forget_loaded_key()

    assert signs(newer)


def test_without_the_encryption_key_nothing_is_signed(tool_key: ToolKey, settings: Settings) -> None:
    settings.KEY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(InvalidToken):
        keys.signing_key()


def test_a_private_key_is_not_shown_in_a_traceback(tool_key: ToolKey) -> None:
    assert "PRIVATE" not in repr(keys.signing_key())
    assert str(tool_key) == tool_key.kid
