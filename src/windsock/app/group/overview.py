"""What a process says of those that it serves with."""

from __future__ import annotations

from windsock.app.replicas.place import Place
from windsock.app.service import Service
from windsock.service.control.replicas.routes import (
    ConfigurationView,
    ReplicasAnswer,
    ReplicaView,
)
from windsock.store.replicas.group import Member, newest


def overview(service: Service) -> ReplicasAnswer:
    """Of all replicas that are remembered, as of the last time that this one said it is there."""
    membership = service.housekeeping.membership
    if membership is None:
        return ReplicasAnswer(says=_alone(service.place), this=None, is_away=False, data=[])
    members = membership.members
    latest = newest(members)
    views = [_view(each, membership.leader, latest) for each in members]
    return ReplicasAnswer(
        says=_together(views), this=membership.replica.name, is_away=membership.is_away, data=views
    )


def _alone(place: Place) -> str:
    if place.count == 1:
        return "one process, no replicas"
    return f"{place.count} processes at one port (--workers), no replicas"


def _together(views: list[ReplicaView]) -> str:
    there = [each for each in views if each.is_there]
    leads = next((each.name for each in there if each.leads), None)
    behind = [each.name for each in there if not each.configuration.is_newest]
    parts = [f"{len(there)} replica{'s' * (len(there) != 1)}"]
    parts.append(f"{leads} leads" if leads else "nobody leads just now")
    if behind:
        parts.append(f"not on the newest configuration: {', '.join(behind)}")
    return ", ".join(parts)


def _view(member: Member, leader: str | None, latest: Member | None) -> ReplicaView:
    told = member.told
    return ReplicaView(
        id=member.id,
        name=told.name,
        version=told.version,
        started_at=member.joined_at,
        seen_at=member.seen_at,
        is_there=member.is_there,
        leads=member.id == leader and member.is_there,
        behind=member.behind,
        requests=told.requests,
        configuration=ConfigurationView(
            digest=told.config,
            loaded_at=told.config_at,
            loads=told.loads,
            is_newest=latest is not None and told.config == latest.told.config,
        ),
    )
