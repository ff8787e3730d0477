"""When a deployment is left alone, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from windsock.core.model.calls import CallKind


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRules:
    """When a deployment is left alone, and for how long.

    max_consecutive         failures in a row that eject
    rate_window_s, rate_calls, rate_failures    eject at this share of failures of this many calls
    ejection_s              first ejection; the n-th lasts n times as long
    max_ejection_s          longest ejection: one that is well again is back so soon
    max_timeout_s           longest ejection where each probe must be waited for, or where a free
                            signal says that nobody is there
    max_pause_s             longest cooldown that a provider's own word brings about
    retry_dead_s            one that fails every call is asked so often where all others are out
    retry_lasting_s         one without key, credit or model is, where all others are
    rate_limit_s            cooldown after a 429 that names no Retry-After
    key_s, credit_s, gone_s cooldown after a refused key, an empty account, an unknown model
    away_s                  a provider whose free signal fails is left alone for so long on
    probe_s                 a half-open probe that has not reported by then is forgotten
    report_s                a status feed's word older than this is no longer believed, unless the
                            feed is read so seldom that its word must last longer
    latency_samples, latency_s   how many first-byte times are kept, and for how long
    cap_calls               calls a minute below which a 429 teaches no cap of traffic
    cap_share               the learnt cap, as a share of the rate at which the 429 came
    cap_growth              by which the cap grows in a minute without a 429; doubled, it is lifted
    cap_pause_s             how long a deployment that used its cap up is left alone
    """

    max_consecutive: int = 5
    rate_window_s: float = 10.0
    rate_calls: int = 20
    rate_failures: float = 0.5
    ejection_s: float = 10.0
    max_ejection_s: float = 15.0
    max_timeout_s: float = 300.0
    max_pause_s: float = 86400.0
    retry_dead_s: float = 3.0
    retry_lasting_s: float = 30.0
    rate_limit_s: float = 5.0
    key_s: float = 30.0
    credit_s: float = 600.0
    gone_s: float = 3600.0
    away_s: float = 15.0
    probe_s: float = 60.0
    report_s: float = 900.0
    latency_samples: int = 200
    latency_s: float = 600.0
    min_latency_samples: int = 10
    cap_calls: float = 30.0
    cap_share: float = 0.8
    cap_growth: float = 0.03
    cap_pause_s: float = 5.0

    def asked_pause_s(self, seconds: float) -> float:
        """What a provider asks for, as far as it is believed; no number is no wish."""
        return min(seconds, self.max_pause_s) if seconds >= 0.0 else 0.0

    def refusal_pause_s(self, kind: CallKind, retry_after_s: float | None) -> float:
        """How long a refusal of this kind takes out what it is about; 0: not at all.

        A provider's own word on a rate limit stands alone; of all else it can only be longer.
        """
        usual_s = {
            CallKind.RATE_LIMITED: self.rate_limit_s,
            CallKind.AUTH_FAILED: self.key_s,
            CallKind.OUT_OF_CREDIT: self.credit_s,
            CallKind.MODEL_GONE: self.gone_s,
        }.get(kind, 0.0)
        if retry_after_s is None:
            return usual_s
        asked_s = self.asked_pause_s(retry_after_s)
        return asked_s if kind is CallKind.RATE_LIMITED else max(usual_s, asked_s)

    def ejection_pause_s(self, ejections: int, waited_s: float) -> float:
        """Longer each time; a probe that must be waited for is made a third of the time at most.

        waited_s    for an answer that did not come; 0: it failed before that
        """
        pause_s = min(self.ejection_s * ejections, self.max_ejection_s)
        return max(pause_s, min(2 * waited_s, self.max_timeout_s))
