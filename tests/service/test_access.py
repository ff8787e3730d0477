"""Keys as they are looked up: known by their hash alone, and nothing of them kept."""

import sys

import pytest

from windsock.service.auth import Access, AccessDenied, credential_in, new_key
from windsock.store.keys import VirtualKey


def kept(key_id: str, digest: str, **facts: float | None) -> VirtualKey:
    return VirtualKey(id=key_id, name="n", sha256=digest, namespace="default", scopes=("infer",),
                      created_at=0.0, **facts)  # fmt: skip


@pytest.mark.parametrize("header", [b"authorization", b"x-api-key"])
def test_no_text_of_a_key_outlives_its_request(header: bytes) -> None:
    key, key_id, digest = new_key()
    access = Access(mode="required", admin_token="of an admin")
    access.replace_keys([kept(key_id, digest)])
    stated = (b"Bearer " if header == b"authorization" else b"") + key.encode()
    before = sys.getrefcount(stated)
    presented = credential_in({header: stated})
    assert presented == key
    assert sys.getrefcount(stated) == before
    before = sys.getrefcount(presented)
    assert access.admit(presented, "infer", 1.0).key_id == key_id
    assert access.knows(presented, 1.0)
    assert not access.knows(presented + "x", 1.0)
    assert sys.getrefcount(presented) == before


def test_a_key_is_known_until_it_is_revoked_is_gone_or_ends() -> None:
    key, key_id, digest = new_key()
    access = Access(mode="required")
    access.replace_keys([kept(key_id, digest, expires_at=10.0)])
    assert access.knows(key, 9.0)
    assert not access.knows(key, 10.0)
    for rows in ([kept(key_id, digest, revoked_at=5.0)], []):
        access.replace_keys([kept(key_id, digest)])
        assert access.knows(key, 11.0)
        access.replace_keys(rows)
        with pytest.raises(AccessDenied, match="not known, or was revoked"):
            access.admit(key, "infer", 6.0)


def test_a_key_of_another_secret_or_the_hash_itself_opens_nothing() -> None:
    key, key_id, digest = new_key()
    access = Access(mode="required", admin_token="of an admin")
    access.replace_keys([kept(key_id, digest)])
    for presented in (key[:-1], key.upper(), digest, key_id, "", None, "of an admin "):
        assert not access.knows(presented, 1.0), presented
    assert "admin" in access.admit("of an admin", "admin", 1.0).scopes
