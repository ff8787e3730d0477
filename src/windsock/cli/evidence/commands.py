"""Commands of labels and of what is known by whom."""

from __future__ import annotations

from typing import Annotated

import typer

from windsock.cli.options import HERE, AsJson, Key, Url


def label(
    route: Annotated[str | None, typer.Option(help="only this route; default: all")] = None,
    task: Annotated[str | None, typer.Option(help="only this task; default: all")] = None,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="open the page in a browser, if there is one")
    ] = True,
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Open a page with the answers most worth labelling."""
    from windsock.cli.evidence.label import show_label
    from windsock.cli.service_client import ServiceClient

    place = {name: said for name, said in (("route", route), ("task", task)) if said}
    show_label(ServiceClient(url, key), url, place, is_opened=open_page, as_json=as_json)
