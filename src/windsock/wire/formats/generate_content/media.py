"""Pictures, sounds and files of a Gemini request as parts of a chat message."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from typing import Any
from urllib.parse import urlsplit

from windsock.errors import BadRequest
from windsock.wire.formats.generate_content.fields import field

STANDARD = str.maketrans("-_", "+/")
"""Google takes both alphabets of base64, and its Python SDK writes the one of addresses."""

SOUNDS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav"}
"""Chat's word for a kind of sound."""

GOOGLES_FILES = "generativelanguage.googleapis.com"
"""Keeps files that its own keys may read."""


def standard(text: Any) -> str:
    """Base64 in the alphabet that everybody reads."""
    return str(text or "").translate(STANDARD)


def inline_part(blob: dict[str, Any]) -> dict[str, Any]:
    """A part for `inlineData`; raises BadRequest for text that is no base64."""
    kind, data = str(field(blob, "mimeType") or ""), standard(blob.get("data"))
    family, _, subtype = kind.partition("/")
    if family == "text":
        return {"type": "text", "text": _text(data)}
    if family == "audio":
        sound = {"data": data, "format": SOUNDS.get(subtype, subtype)}
        return {"type": "input_audio", "input_audio": sound}
    name = field(blob, "displayName") or f"document.{subtype}"
    return _located(kind, f"data:{kind};base64,{data}", str(name))


def file_part(file: dict[str, Any]) -> dict[str, Any]:
    """A part for `fileData`, by its address."""
    address = str(field(file, "fileUri") or "")
    name = urlsplit(address).path.rpartition("/")[2]
    return _located(str(field(file, "mimeType") or ""), address, name or "document")


def is_kept_by_google(file: dict[str, Any]) -> bool:
    """Whether only Google can read it: a file of its own, a bucket, a film of YouTube."""
    address = urlsplit(str(field(file, "fileUri") or ""))
    is_film = str(address.hostname).endswith(("youtube.com", "youtu.be"))
    return address.scheme not in ("http", "https") or is_film or address.hostname == GOOGLES_FILES


def _located(kind: str, address: str, name: str) -> dict[str, Any]:
    family = kind.partition("/")[0]
    if family in ("image", "video"):
        return {"type": f"{family}_url", f"{family}_url": {"url": address}}
    return {"type": "file", "file": {"filename": name, "file_data": address}}


def _text(data: str) -> str:
    try:
        return b64decode(data + "=" * (-len(data) % 4), validate=True).decode(errors="replace")
    except (Error, ValueError) as error:
        raise BadRequest("contents: inlineData.data is no base64", param="contents") from error
