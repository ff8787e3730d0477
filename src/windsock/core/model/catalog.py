"""Who can serve a request, and why not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from windsock.core.model.abilities.modes import modes_stated, off_mode
from windsock.core.model.abilities.terms import NOTHING_STATED, Terms, check_terms, off_terms
from windsock.core.model.exclusions import Exclusion, ExclusionCode
from windsock.core.model.requests import NO_PREFERENCES, Preferences, RouteRequest
from windsock.core.model.ticks import ModelFacts
from windsock.core.model.unsupported import UnsupportedParameters, lacking
from windsock.errors import BadRequest, UnknownDeployment

LEAST_PART = 3
"""Characters of a name that is looked for within one that is asked for."""

LEAST_ANSWER_TOKENS = 2048
"""Of the answer asked for so much must fit beside the prompt: many clients set a limit far above
what they need, which is bounded by what is left."""


NO_ONE: Mapping[str, str] = {
    "web_search": "a web search (':online', or the plugin 'web') is asked for, and no deployment "
    "here is known to search the web; state capabilities = { web_search = true } of one that takes "
    "web_search_options, or leave it out",
    "plugins": "plugins and tools of OpenRouter are run by OpenRouter alone, and no deployment "
    "here is there; leave them out, or name a deployment such as openrouter/openai/gpt-4o",
}
"""What a caller is told who needs what nobody here does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a deployment accepts. None is unknown: images and audio are then not sent there, unless
    it `tries_unknown`; nor is a request that needs a web search."""

    vision: bool | None = None
    audio: bool | None = None
    tools: bool | None = None
    json_schema: bool | None = None
    web_search: bool | None = None
    context_tokens: int | None = None
    max_output_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheTraits:
    """How a provider caches the beginning of prompts. What comes of it is measured.

    ttl_s           how long it keeps them after each use
    min_tokens      of a prompt that is kept at all
    hit_rate        share of what should be there that is billed as read, before it is measured. A
                    claim is believed until it is tried: doubting it would keep to those tried
    write_share     share of the rest that is billed as written, before it is measured
    """

    ttl_s: float = 300.0
    min_tokens: int = 1024
    hit_rate: float = 1.0
    write_share: float = 0.0


USUAL_CACHE = CacheTraits()
"""Of providers of which nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One place that serves a model.

    id              provider/model or provider/model@region
    provider        provider id
    model           the name the provider knows it by
    site            where its provider is asked, if that has prices of its own and the id is silent
    price_names     `feed provider/model` names under which feeds may quote it, besides its id
    cache           how its provider caches prompts
    tries_unknown   a server of one's own: what nobody says of it is tried, and learnt if refused
    lacks           needs of requests (`RouteRequest.needs`) that it is known not to serve
    leaves_out      fields of requests that it is known not to take, which are left out
    keeps_marks     marks of requests (`RouteRequest.marks`) that it is known to understand
    keeps_answers   a request may go on from an answer of its own by the answer's id
    released_at     unix s of its model's release, None if nobody says
    terms           how it treats what it is sent, as its owner says
    runs_plugins    it is a gateway that knows OpenRouter's plugins
    modes           kinds of model that it is (`abilities.modes`); empty: nobody says
    """

    id: str
    provider: str
    model: str
    capabilities: Capabilities = Capabilities()
    price_names: tuple[str, ...] = ()
    cache: CacheTraits = USUAL_CACHE
    site: str = ""
    tries_unknown: bool = False
    lacks: tuple[str, ...] = ()
    leaves_out: frozenset[str] = frozenset()
    keeps_marks: frozenset[str] = frozenset()
    keeps_answers: bool = False
    released_at: float | None = None
    terms: Terms = NOTHING_STATED
    runs_plugins: bool = False
    modes: frozenset[str] = frozenset()


class Catalog:
    """All deployments, by id and by what else they may be called.

    `version` grows when a deployment's capabilities are learnt; `unsupported` is what they were
    heard not to take.
    """

    def __init__(self, deployments: Iterable[Deployment]) -> None:
        self.deployments: dict[str, Deployment] = {}
        self.ids_by_model: dict[str, tuple[str, ...]] = {}
        self.unsupported = UnsupportedParameters()
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
        """Take over what a feed knows and nobody told before; True if that changes who serves."""
        deployment = self.deployments[deployment_id]
        if deployment.released_at is None and facts.released_at is not None:
            deployment = replace(deployment, released_at=facts.released_at)
            self.deployments[deployment_id] = deployment
        modes = deployment.modes or modes_stated(facts.mode)
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
        if learnt == has and modes == deployment.modes:
            return False
        self.deployments[deployment_id] = replace(deployment, capabilities=learnt, modes=modes)
        self.version += 1
        return True

    def serving(self, name: str) -> tuple[str, ...]:
        """Deployments that a deployment id or a bare model id names; empty if none."""
        if name in self.deployments:
            return (name,)
        return self.ids_by_model.get(name, ())

    def nearest(self, name: str, others: Iterable[str] = ()) -> str | None:
        """The known name, or one of `others`, that `name` is most like; None if there is none.

        Else the first that it is a part of, or the longest that is a part of it; upper and lower
        case are the same.
        """
        names = {each.lower(): each for each in (*self.ids_by_model, *self.deployments, *others)}
        asked = name.strip().lower()
        found = get_close_matches(asked, names, n=1) or [n for n in names if asked and asked in n]
        parts = (n for n in names if len(n) >= LEAST_PART and n in asked)
        found = found or sorted(parts, key=len, reverse=True)
        return names[found[0]] if found else None

    def check(self, name: str, *, param: str = "deployment") -> None:
        """Raises UnknownDeployment, with the nearest name, unless a deployment is named so."""
        if name not in self.deployments:
            near = self.nearest(name)
            known = self.serving(near) if near else ()
            raise UnknownDeployment(name, nearest=known[0] if known else near, param=param)

    def check_wishes(self, request: RouteRequest) -> None:
        """Raises BadRequest, with the mend, if no deployment at all is known to do what only some
        do: keep to terms, search the web, run plugins."""
        known = self.deployments.values()
        if request.preferences is not NO_PREFERENCES:
            check_terms(request.preferences, (each.terms for each in known))
        for need in request.needs & NO_ONE.keys():
            if all(_lacks_extra(each, {need}) for each in known):
                raise BadRequest(NO_ONE[need], param=need)

    def ruled_out(self, deployment_id: str, request: RouteRequest, now: float) -> Exclusion | None:
        """Why this deployment cannot serve this request, or None if it can."""
        deployment, needs = self.deployments.get(deployment_id), request.needs
        if deployment is None:  # an edit took it away while a request was under way
            return Exclusion(ExclusionCode.UNHEALTHY, "no longer configured")
        return (
            _lacks(deployment, request)
            or lacking(deployment.lacks, needs)
            or self.unsupported.ruled_out(deployment_id, needs, now)
            or _unwanted(deployment, request.preferences)
            or off_terms(deployment.terms, request.preferences)
            or self._not_taking(deployment, request.preferences, now)
        )

    def fields_not_taken(self, deployment: Deployment, now: float) -> frozenset[str]:
        """Fields of requests that it is known to leave out, or was heard to refuse altogether."""
        heard = self.unsupported.of(deployment.id, now)
        whole = (each for each in heard if each.value is None and each.most is None)
        return deployment.leaves_out.union(each.field for each in whole if not each.instead)

    def _not_taking(
        self, deployment: Deployment, wishes: Preferences, now: float
    ) -> Exclusion | None:
        if not wishes.required_fields:
            return None
        missing = wishes.required_fields & self.fields_not_taken(deployment, now)
        if not missing:
            return None
        words = f"does not take {', '.join(sorted(missing))}, and provider.require_parameters is on"
        return Exclusion(ExclusionCode.PARAMETER_REFUSED, words)


def _lacks(deployment: Deployment, request: RouteRequest) -> Exclusion | None:
    has, needs, unknown = deployment.capabilities, request.needs, deployment.tries_unknown
    if wrong := off_mode(deployment.modes, needs, tries_unknown=unknown):
        return wrong
    if "vision" in needs and not (unknown if has.vision is None else has.vision):
        is_known = has.vision is False
        words = "does not accept images" if is_known else "not known to accept images"
        return Exclusion(ExclusionCode.NO_IMAGES, words)
    if "audio" in needs and not (unknown if has.audio is None else has.audio):
        is_known = has.audio is False
        words = "does not accept audio" if is_known else "not known to accept audio"
        return Exclusion(ExclusionCode.NO_AUDIO, words)
    if "tools" in needs and has.tools is False:
        return Exclusion(ExclusionCode.NO_TOOLS, "does not call tools")
    if "json_schema" in needs and has.json_schema is False:
        return Exclusion(ExclusionCode.NO_JSON_SCHEMA, "does not keep to a JSON schema")
    return _lacks_extra(deployment, needs) or _too_long(has, request)


def _lacks_extra(deployment: Deployment, needs: Collection[str]) -> Exclusion | None:
    """Why it does not do what only those do of which it is known."""
    runs_plugins = deployment.runs_plugins
    if "web_search" in needs and not (deployment.capabilities.web_search or runs_plugins):
        return Exclusion(ExclusionCode.NO_WEB_SEARCH, "is not known to search the web")
    if "plugins" in needs and not runs_plugins:
        return Exclusion(ExclusionCode.NO_PLUGINS, "runs no plugins, as only OpenRouter does")
    return None


def _too_long(has: Capabilities, request: RouteRequest) -> Exclusion | None:
    read = request.prompt_tokens if request.longest_tokens is None else request.longest_tokens
    wanted = read + min(request.max_output_tokens or 0, LEAST_ANSWER_TOKENS)
    if has.context_tokens is not None and wanted > has.context_tokens:
        return Exclusion(
            ExclusionCode.CONTEXT_EXCEEDED,
            f"context window is {has.context_tokens} tokens, about {wanted} are needed",
        )
    return None


def _unwanted(deployment: Deployment, wishes: Preferences) -> Exclusion | None:
    names = (deployment.id, deployment.provider)
    if wishes.only and not any(name in wishes.only for name in names):
        return Exclusion(ExclusionCode.NOT_ASKED_FOR, "not among provider.only")
    if any(name in wishes.ignore for name in names):
        return Exclusion(ExclusionCode.IGNORED, "named in provider.ignore")
    return None
