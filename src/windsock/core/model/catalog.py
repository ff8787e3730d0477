"""Who can serve a request, and why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches

from windsock.core.model.requests import Preferences, RouteRequest
from windsock.core.model.ticks import ModelFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a deployment accepts. None is unknown: images and audio are then not sent there."""

    vision: bool | None = None
    audio: bool | None = None
    tools: bool | None = None
    json_schema: bool | None = None
    context_tokens: int | None = None
    max_output_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One place that serves a model.

    id              provider/model or provider/model@region
    provider        provider id
    model           the name the provider knows it by
    price_names     `feed provider/model` names under which feeds may quote it, besides its id
    """

    id: str
    provider: str
    model: str
    capabilities: Capabilities = Capabilities()
    price_names: tuple[str, ...] = ()


class Catalog:
    """All deployments, by id and by what else they may be called.

    `version` grows when a deployment's capabilities are learnt.
    """

    def __init__(self, deployments: Iterable[Deployment]) -> None:
        self.deployments: dict[str, Deployment] = {}
        self.ids_by_model: dict[str, tuple[str, ...]] = {}
        self.version = -1
        self.adopt(deployments)

    def adopt(self, deployments: Iterable[Deployment]) -> None:
        """These deployments, in place of those before."""
        self.deployments = {deployment.id: deployment for deployment in deployments}
        self.ids_by_model = {}
        self.version += 1
        for deployment in self.deployments.values():
            for name in {deployment.model, deployment.model.rsplit("/", 1)[-1]}:
                self.ids_by_model[name] = (*self.ids_by_model.get(name, ()), deployment.id)

    def learn(self, deployment_id: str, facts: ModelFacts) -> bool:
        """Take over what a feed knows and nobody told before; True if that changed anything."""
        deployment = self.deployments[deployment_id]
        has = deployment.capabilities
        learnt = replace(
            has,
            **{
                name: value
                for name in (
                    "vision",
                    "tools",
                    "json_schema",
                    "context_tokens",
                    "max_output_tokens",
                )
                if getattr(has, name) is None and (value := getattr(facts, name)) is not None
            },
        )
        if learnt == has:
            return False
        self.deployments[deployment_id] = replace(deployment, capabilities=learnt)
        self.version += 1
        return True

    def serving(self, name: str) -> tuple[str, ...]:
        """Deployments that a deployment id or a bare model id names; empty if none."""
        if name in self.deployments:
            return (name,)
        return self.ids_by_model.get(name, ())

    def nearest(self, name: str, others: Iterable[str] = ()) -> str | None:
        """The known name, or one of `others`, that `name` is most like; None if there is none."""
        names = [*others, *self.deployments, *self.ids_by_model]
        found = get_close_matches(name, names, n=1)
        return found[0] if found else None

    def ruled_out(self, deployment_id: str, request: RouteRequest) -> str | None:
        """Why this deployment can never serve this request, or None if it can."""
        deployment = self.deployments[deployment_id]
        return _lacks(deployment.capabilities, request) or _unwanted(
            deployment, request.preferences
        )


def _lacks(has: Capabilities, request: RouteRequest) -> str | None:
    if "vision" in request.needs and not has.vision:
        return "does not accept images" if has.vision is False else "not known to accept images"
    if "audio" in request.needs and not has.audio:
        return "does not accept audio" if has.audio is False else "not known to accept audio"
    if "tools" in request.needs and has.tools is False:
        return "does not call tools"
    if "json_schema" in request.needs and has.json_schema is False:
        return "does not keep to a JSON schema"
    if has.context_tokens is not None:
        wanted = request.prompt_tokens + (request.max_output_tokens or 0)
        if wanted > has.context_tokens:
            return f"context window is {has.context_tokens} tokens, about {wanted} are needed"
    if (
        has.max_output_tokens is not None
        and request.max_output_tokens is not None
        and request.max_output_tokens > has.max_output_tokens
    ):
        return f"answers with {has.max_output_tokens} tokens at most"
    return None


def _unwanted(deployment: Deployment, wishes: Preferences) -> str | None:
    names = (deployment.id, deployment.provider)
    if wishes.only and not any(name in wishes.only for name in names):
        return "not among provider.only"
    if any(name in wishes.ignore for name in names):
        return "named in provider.ignore"
    return None
