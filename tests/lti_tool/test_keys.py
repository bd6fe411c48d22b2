"""Our own signing keys: encrypted at rest, published without their private parts. (See also `test_rotation`.)"""

import jwt
import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
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


def test_a_published_set_is_one_read(tool_key: ToolKey, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        keys.public_keys()


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

    with pytest.raises(keys.KeyUnreadable, match=f"decrypts the tool key {tool_key.kid}. Put the one that"):
        keys.signing_key()


def test_keys_are_encrypted_anew(tool_key: ToolKey, settings: Settings, capsys: object) -> None:
    """After which the older encryption keys can go."""
    old = settings.KEY_ENCRYPTION_KEYS[0]
    keys.make_key()
    new = Fernet.generate_key().decode()
    settings.KEY_ENCRYPTION_KEYS = [new, old]

    call_command("reencrypt_keys")

    said = capsys.readouterr().out  # type: ignore[attr-defined]
    assert said == "Tool keys encrypted with the first of KEY_ENCRYPTION_KEYS: 2.\n"
    for key in ToolKey.objects.all():
        assert Fernet(new).decrypt(bytes(key.encrypted_private_key)).startswith(b"-----BEGIN PRIVATE KEY")
    settings.KEY_ENCRYPTION_KEYS = [new]
    keys.forget_loaded_key()
    assert signs(ToolKey.objects.latest("signs_from"))


def test_a_key_that_cannot_be_decrypted_is_named_with_what_to_do(
    tool_key: ToolKey, settings: Settings, capsys: object
) -> None:
    """The others are encrypted anew all the same."""
    lost = settings.KEY_ENCRYPTION_KEYS[0]
    kept, first = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.KEY_ENCRYPTION_KEYS = [kept]
    other = keys.make_key()
    settings.KEY_ENCRYPTION_KEYS = [first, kept]

    with pytest.raises(CommandError) as failed:
        call_command("reencrypt_keys")

    assert str(failed.value) == (
        f"None of KEY_ENCRYPTION_KEYS decrypts the tool key {tool_key.kid}. Put the one that encrypted it back, at "
        "the end of the list. If it is lost: manage.py rotate_keys --now makes a new tool key; once that signs, "
        f"manage.py rotate_keys --revoke {tool_key.kid} takes this one away."
    )
    assert "KEY_ENCRYPTION_KEYS: 1." in capsys.readouterr().out  # type: ignore[attr-defined]
    other.refresh_from_db()
    assert Fernet(first).decrypt(bytes(other.encrypted_private_key))
    tool_key.refresh_from_db()
    assert Fernet(lost).decrypt(bytes(tool_key.encrypted_private_key))


def test_a_private_key_is_not_shown_in_a_traceback(tool_key: ToolKey) -> None:
    assert "PRIVATE" not in repr(keys.signing_key())
    assert str(tool_key) == tool_key.kid
