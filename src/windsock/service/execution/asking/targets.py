"""In which format a deployment is asked, and what of a request it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from sys import maxsize

from windsock.clock import Clock
from windsock.core.model.calls import Attempt, CallKind, Out, Then, Verdict
from windsock.core.model.catalog import Catalog, Deployment
from windsock.core.model.requests import Unsupported
from windsock.errors import ProviderError
from windsock.observability.telemetry import current
from windsock.providers.upstream import Upstream
from windsock.service.execution.asking.languages import Languages
from windsock.service.execution.asking.target import Target, Unasked, untold
from windsock.wire.adaptation.adapt import Adapted, adapted, adapted_natively, uncarried
from windsock.wire.adaptation.parameters import AS_IT_COMES, Parameters, bounded, taught
from windsock.wire.adaptation.search import with_search
from windsock.wire.dialect import MISSHAPEN
from windsock.wire.format import Format
from windsock.wire.request import UpstreamRequest

MAX_TAUGHT = 1024
"""Deployments with what they were heard to refuse, of which the outcome is kept."""

Heard = tuple[str, bool, tuple[Unsupported, ...]]
"""(deployment, asked by chat completions, what it refused)."""


class Targets:
    """Whom attempts ask.

    upstreams   by provider id; a reload replaces them
    languages   which formats of clients a provider turned out not to speak
    """

    def __init__(
        self, *, catalog: Catalog, upstreams: Mapping[str, Upstream], clock: Clock
    ) -> None:
        self.upstreams = upstreams
        self.languages = Languages()
        self._catalog = catalog
        self._clock = clock
        self._taught: dict[Heard, tuple[Parameters, Parameters]] = {}

    def deployment(self, name: str) -> Deployment | None:
        """What is known of a deployment; None of one that there is not, or not any more."""
        return self._catalog.deployments.get(name)

    def of(self, attempt: Attempt, request: UpstreamRequest) -> Target:
        """Raises ProviderError if the provider is gone, Unasked if it offers no such call."""
        deployment = self._catalog.deployments.get(attempt.deployment)
        upstream = self.upstreams.get(deployment.provider) if deployment else None
        if deployment is None or upstream is None:
            raise ProviderError(f"{attempt.deployment} is no longer known")
        spoken = upstream.formats.get(request.operation)
        if spoken is None:
            words = f"{attempt.deployment} offers no {request.operation} calls"
            raise Unasked(words, CallKind.CANNOT_SERVE, 422)
        asks_natively = request.native is not None and upstream.native
        native = self._native_format(request, upstream, deployment) if asks_natively else None
        heard = self._catalog.unsupported.of(deployment.id, self._clock.now())
        stated = upstream.parameters if native is None else upstream.stated
        known = stated.get(deployment.id, AS_IT_COMES)
        rules = self._taken((deployment.id, native is None, heard), known) if heard else known
        if request.request.max_output_tokens is not None:
            rules = _bounded(rules, deployment, request)
        try:
            asked, changed = _asked(deployment, request, native, rules)
        except MISSHAPEN as error:
            raise untold() from error
        if native is None:
            endpoint = upstream.endpoint_of(request.operation)
        else:
            spoken, endpoint = native, upstream.bare
        if spoken.carries is not None:
            changed += uncarried(asked, spoken.carries)
        if (trace := current.get()) is not None:
            headers = trace.call(attempt, deployment, endpoint.base_url, asked)
            asked = replace(asked, headers=headers)
        return Target(
            provider=deployment.provider,
            model=deployment.model,
            endpoint=endpoint,
            format=spoken,
            capabilities=deployment.capabilities,
            request=asked,
            adapted=changed,
            heard=heard,
            is_native=native is not None,
        )

    def without_language(self, target: Target) -> Verdict:
        """The provider has no call in the client's format: this request is asked by another."""
        native = target.request.native
        assert native is not None
        self.languages.refused(target.provider, native, self._clock.now())
        then = Then.MENDED if native.refusal is None else Then.ELSEWHERE
        return Verdict(kind=CallKind.CANNOT_SERVE, then=then, out=Out.REQUEST)

    def _native_format(
        self, request: UpstreamRequest, upstream: Upstream, deployment: Deployment
    ) -> Format | None:
        """The client's own, where the provider speaks it and has not just said that it does not."""
        native = request.native
        if native is None or deployment.id in request.searching:
            return None
        is_silent = self.languages.is_silent(deployment.provider, native, self._clock.now())
        return None if is_silent else upstream.native.get(native.language)

    def _taken(self, key: Heard, known: Parameters) -> Parameters:
        """What is known to be taken less what was heard; made once, until either changes."""
        kept = self._taught.get(key)
        if kept is None or kept[0] is not known:
            if len(self._taught) >= MAX_TAUGHT:
                self._taught.clear()
            kept = self._taught[key] = known, taught(known, key[-1])
        return kept[1]


def _asked(
    deployment: Deployment, request: UpstreamRequest, native: Format | None, rules: Parameters
) -> Adapted:
    """The request as it is sent, with the search that is asked beside where it is one."""
    if native is not None:
        asked, changed = adapted_natively(request, native, rules)
    else:
        if deployment.id in request.searching:
            request = with_search(request, as_plugin=deployment.runs_plugins)
        asked, changed = adapted(request, rules)
    return asked, changed if deployment.runs_plugins else (*changed, *request.unheeded)


def _bounded(taken: Parameters, deployment: Deployment, request: UpstreamRequest) -> Parameters:
    """With the length of answer that fits the deployment, where more is asked for."""
    has, asked = deployment.capabilities, request.request
    wanted = asked.max_output_tokens or 0
    left = None if has.context_tokens is None else has.context_tokens - asked.prompt_tokens
    most = min(each for each in (has.max_output_tokens, left, maxsize) if each is not None)
    return bounded(taken, most) if 0 < most < wanted else taken
