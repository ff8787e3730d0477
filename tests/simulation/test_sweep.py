"""Sweeps: the same results wherever they are made, settings by name, and an end that says so."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest

from tests.evaluation.logs import small
from windsock.errors import ConfigError
from windsock.simulation.reporting import html_report, text_report
from windsock.simulation.sweeps.parameter_grid import cases
from windsock.simulation.sweeps.progress_bar import progress_of
from windsock.simulation.sweeps.progress_board import DONE
from windsock.simulation.sweeps.sweep import Sweep, jobs_of, sweep
from windsock.simulation.world.scenario import Scenario

POLICIES = ("windsock", "flagship", "oracle")


def unwatched(_):
    return nullcontext()


def made(scenario: Scenario, *settings: str, engine="local", at_once=1, watch=unwatched) -> Sweep:
    jobs = jobs_of(cases(scenario, settings), POLICIES, seeds=2)
    return sweep(jobs, engine=engine, at_once=at_once, watch=watch)


def short() -> Scenario:
    return small(
        hours=0.12,
        shocks=[{"at_hour": 0.06, "deployment": "openai/gpt-4o-mini", "input": 1, "output": 4}],
    )


@contextmanager
def cluster() -> Iterator[None]:
    """A dask cluster of one process of its own, which becomes the current one."""
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as place:
        with Client(place):
            yield


@pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed", "ignore::ResourceWarning")
def test_here_in_two_processes_and_on_dask_the_bytes_are_the_same() -> None:
    alone = text_report.as_json(short(), "x", made(short(), "route.quality_floor=0.8,0.9"))
    apart = text_report.as_json(
        short(), "x", made(short(), "route.quality_floor=0.8,0.9", at_once=2)
    )
    with cluster():
        far = text_report.as_json(
            short(), "x", made(short(), "route.quality_floor=0.8,0.9", engine="dask")
        )
    assert alone == apart == far


def test_every_combination_of_settings_is_a_case_and_names_may_hold_dots() -> None:
    found = cases(small(), ["route.explore=0.02,0.1", "deployments.openai/gpt-4o.input=2.5,5.0"])
    assert [case.settings for case in found] == [
        (("route.explore", e), ("deployments.openai/gpt-4o.input", usd))
        for e in (0.02, 0.1)
        for usd in (2.5, 5.0)
    ]
    last = found[-1].scenario
    assert (last.route.explore, last.deployments["openai/gpt-4o"].input) == (0.1, 5.0)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("route.quality_flor=0.9", "did you mean 'quality_floor'"),
        ("route.quality_floor=1.2", "less than or equal to 1"),
        ("deployments.openai/gpt-4o.input=-1", "greater than or equal to 0"),
        ("deployments.openai/gpt-5.input=1", "gpt-5"),
        ("hours=nan", "finite number"),
        ("rivals.flagship=nobody/nothing", "unknown deployment 'nobody/nothing'"),
        ("route.explore", "KEY=VALUE"),
        ("route.explore=", "KEY=VALUE"),
        ("route={explore = 1}", "not a table"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence_that_names_it(setting, words) -> None:
    with pytest.raises(ConfigError) as caught:
        cases(small(), [setting])
    assert words in str(caught.value)
    assert setting.partition("=")[0] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_engine_that_is_not_installed_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="pip install ray"):
        made(short(), engine="ray")


@contextmanager
def interrupting(board) -> Iterator[None]:
    """Ctrl-C as soon as some requests are done."""
    rows, ended = board.rows(), threading.Event()

    def interrupt() -> None:
        while not ended.wait(0.001):
            if rows[1:, DONE].sum() > 10:
                os.kill(os.getpid(), signal.SIGINT)
                return

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_ctrl_c_leaves_what_was_done_and_says_so(capsys) -> None:
    from rich.console import Console

    before = signal.getsignal(signal.SIGINT)
    found = made(small(hours=4), watch=interrupting)
    assert signal.getsignal(signal.SIGINT) is before
    assert not found.is_whole
    assert [run.summary.is_whole for run in found.results][-1] is False
    assert 10 < found.results[-1].summary.requests < 2000
    text_report.show(Console(width=120), small(), "cut short", found)
    assert "Interrupted: 0 of 6 runs are whole, 1 are cut short" in capsys.readouterr().out
    assert '"is_whole": false' in text_report.as_json(small(), "cut short", found)
    assert "Interrupted: 0 of 6 runs are whole" in html_report.html(small(), "cut short", found)


@contextmanager
def stopped(board) -> Iterator[None]:
    board.rows()[0, DONE] = 1
    yield


def test_stopped_before_the_first_step_there_is_nothing_and_it_is_said() -> None:
    found = made(short(), watch=stopped)
    assert found.results == ()
    assert "Nothing was run." in html_report.html(short(), "nothing", found)
    assert '"runs": []' in text_report.as_json(short(), "nothing", found)


def test_the_bar_counts_runs_not_yet_begun_as_the_mean_of_the_others() -> None:
    import numpy as np

    assert progress_of(np.zeros((4, 2), dtype=np.int64)) == (0, None, 0)
    rows = np.array([[0, 0], [100, 100], [30, 300], [0, 0]])
    assert progress_of(rows) == (130, 600, 1)
