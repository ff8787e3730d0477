"""Keys as they are looked up: known by their hash alone, and nothing of them kept."""

import sys

import pytest

from windsock.service.auth import Access, AccessDenied, digest_of, new_key, presented_in
from windsock.store.keys import VirtualKey


def kept(key_id: str, sha256: str, **facts: float | None) -> VirtualKey:
    return VirtualKey(id=key_id, name="n", sha256=sha256, namespace="default", scopes=("infer",),
                      created_at=0.0, **facts)  # fmt: skip


@pytest.mark.parametrize("header", [b"authorization", b"x-api-key"])
def test_no_text_of_a_key_outlives_the_reading_of_its_headers(header: bytes) -> None:
    key, key_id, sha256 = new_key()
    access = Access(mode="required", admin_token="of an admin")
    access.replace_keys([kept(key_id, sha256)])
    stated = (b"Bearer " if header == b"authorization" else b"") + key.encode()
    before = sys.getrefcount(stated)
    presented = presented_in({header: stated})
    assert presented == digest_of(key)
    assert sys.getrefcount(stated) == before
    assert access.admit(presented, "infer", 1.0).key_id == key_id
    assert access.knows(presented, 1.0)
    assert not access.knows(digest_of(key + "x"), 1.0)


def test_a_key_kept_under_what_is_no_digest_keeps_nobody_else_out() -> None:
    key, key_id, sha256 = new_key()
    access = Access(mode="required")
    access.replace_keys([kept("broken", "no digest"), kept(key_id, sha256)])
    assert access.admit(digest_of(key), "infer", 1.0).key_id == key_id


@pytest.mark.parametrize(
    "nothing",
    [
        {},
        {b"authorization": b""},
        {b"authorization": b"Bearer "},
        {b"authorization": b"Basic abc"},
        {b"x-api-key": b""},
    ],
)
def test_no_key_is_none(nothing: dict[bytes, bytes]) -> None:
    assert presented_in(nothing) is None


def test_a_key_is_known_until_it_is_revoked_is_gone_or_ends() -> None:
    key, key_id, sha256 = new_key()
    presented = digest_of(key)
    access = Access(mode="required")
    access.replace_keys([kept(key_id, sha256, expires_at=10.0)])
    assert access.knows(presented, 9.0)
    assert not access.knows(presented, 10.0)
    with pytest.raises(AccessDenied, match="has expired"):
        access.admit(presented, "infer", 10.0)
    for rows in ([kept(key_id, sha256, revoked_at=5.0)], []):
        access.replace_keys([kept(key_id, sha256)])
        assert access.knows(presented, 11.0)
        access.replace_keys(rows)
        with pytest.raises(AccessDenied, match="not known, or was revoked"):
            access.admit(presented, "infer", 6.0)


def test_a_key_of_another_secret_or_the_hash_itself_opens_nothing() -> None:
    key, key_id, sha256 = new_key()
    access = Access(mode="required", admin_token="of an admin")
    access.replace_keys([kept(key_id, sha256)])
    for secret in (key[:-1], key.upper(), sha256, key_id, "", "of an admin "):
        assert not access.knows(digest_of(secret), 1.0), secret
    assert not access.knows(None, 1.0)
    assert "admin" in access.admit(digest_of("of an admin"), "admin", 1.0).scopes
