"""[[webhooks]]: who is told of what happens."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from windsock.resources.declared import Part


class WebhookSettings(Part):
    """events: names or prefixes such as "price."; an empty list is all of them.

    format      json, which is signed with `secret`; or slack: {"text": ...}, a line for people,
                as Slack, Mattermost, Discord (its address with /slack) and Teams' workflows take it
    """

    url: str = Field(pattern=r"^https?://", repr=False)
    secret: str = Field(default="", repr=False)
    format: Literal["json", "slack"] = "json"
    events: tuple[str, ...] = ()

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        """The words of the error show nothing of it: an address may be a secret."""
        try:
            has_host = bool(urlsplit(url).hostname) and urlsplit(url).port != 0
        except ValueError:
            has_host = False
        if not has_host or any(each.isspace() for each in url):
            raise ValueError("a webhook's url needs a host, and a port that is a number if any")
        return url

    @model_validator(mode="after")
    def _json_is_signed(self) -> WebhookSettings:
        if len(self.secret) < 8 and (self.format == "json" or self.secret):
            raise ValueError("webhooks need a secret of at least 8 characters, slack's none")
        return self
