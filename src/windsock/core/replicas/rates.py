"""What each of several replicas may use of a limit within any minute: leased in advance.

All shares together are never more than the limit. A replica that said nothing of it has its even
part; one that needs more takes what others do not use, and one that uses more than it should, where
others need it, gives back as its minute passes. At any moment each has used, within the minute
before it, no more than its share: so all of them no more than the limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

LEASE_S = 90.0
"""For which a share holds that is not claimed anew: then it is no more than the even part."""

OVER_S = LEASE_S + 70.0
"""After which it counts for nothing: what was used of it is over a minute ago, and some seconds."""

GONE_S = 75.0
"""The same, of a replica that is not there any more: after a minute without a database all of them
have some seconds to say that they are."""

Place = tuple[str, str]
"""(key, what of it is limited)."""


class Claim(NamedTuple):
    """What a replica says of a place.

    most    that all may use within a minute
    share   may be used there; at least what was used within the last minute
    wanted  would be liked
    """

    most: int
    share: int
    wanted: int


class Share(NamedTuple):
    """The answer: so much may be used, and where it is more than `aim` it should become that."""

    share: int
    aim: int


def even_part(most: int, replicas: int) -> int:
    """Of a replica that said nothing, and at which no other wants more than that."""
    return most // replicas


def fair_parts(most: int, wanted: Sequence[int]) -> list[int]:
    """Where all is too little, nobody gets more than another who wants more; what is over, evenly.

    The sum is no more than `most`.
    """
    given, left = [0] * len(wanted), most
    for turn, each in enumerate(sorted(range(len(wanted)), key=wanted.__getitem__)):
        given[each] = min(wanted[each], left // (len(wanted) - turn))
        left -= given[each]
    return [each + left // len(wanted) for each in given]


def share_of(
    mine: Claim, others: Sequence[Claim], *, silent: int, gone: int, replicas: int
) -> Share | None:
    """What a replica may use from now on; None: its even part, as all, who need not say more.

    What it has already it keeps: to take from it before it knows would be to grant it twice.

    others      of replicas that are there
    silent      replicas that are there and said nothing
    gone        the shares of those that are not there any more, who may still use them
    replicas    that are there
    """
    even = even_part(mine.most, replicas)
    if max(mine.wanted, *(each.wanted for each in others), 0) <= even:
        if not gone and all(each.share <= even for each in (mine, *others)):
            return None
        aim = even
    else:
        wanted = [mine.wanted, *(each.wanted for each in others), *[even] * silent]
        aim = fair_parts(max(0, mine.most - gone), wanted)[0]
    free = mine.most - gone - sum(each.share for each in others) - even * silent
    return Share(share=max(mine.share, min(aim, free)), aim=aim)
