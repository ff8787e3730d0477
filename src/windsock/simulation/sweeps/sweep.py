"""Many runs at once: every case, policy and seed, here or on a cluster, with the same results.

A run is a function of its scenario, policy and seed alone, so it does not matter where it is made
or when it ends; results are put in order afterwards.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from windsock.errors import ConfigError, WindsockError
from windsock.simulation.engines import runner
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.results.measures import RunSummary, summarize
from windsock.simulation.results.time_series import Trail, trail
from windsock.simulation.sweeps.parameter_grid import Case, Setting
from windsock.simulation.sweeps.progress_board import Board
from windsock.simulation.world.outcome_table import OutcomeTable
from windsock.simulation.world.outcome_world import world_of
from windsock.simulation.world.scenario import Scenario

Engine = Literal["local", "dask", "ray"]
ENGINES: tuple[Engine, ...] = ("local", "dask", "ray")
RETURNS = {"local": "generator_unordered", "dask": "generator_unordered", "ray": "list"}
"""ray's backend hands results over when all are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run to make. number: its place among all."""

    number: int
    case: Case
    policy: str
    seed: int
    outcomes: OutcomeTable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run that was made, or begun."""

    number: int
    settings: tuple[Setting, ...]
    summary: RunSummary
    trail: Trail


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Results in the order of their jobs; `asked` runs were wanted, of these cases."""

    asked: int
    cases: tuple[Case, ...]
    results: tuple[Result, ...]

    def scenario(self, settings: tuple[Setting, ...]) -> Scenario:
        """What was run under these settings."""
        return next(case.scenario for case in self.cases if case.settings == settings)

    @property
    def is_whole(self) -> bool:
        """True if no run of it was ended by Ctrl-C."""
        done = [result for result in self.results if result.summary.is_whole]
        return len(done) == self.asked


Watch = Callable[[Board], contextlib.AbstractContextManager[Any]]
"""Shows how far the runs are, while they are made."""


def jobs_of(
    cases: Sequence[Case],
    policies: Sequence[str] | None,
    seeds: int,
    outcomes: OutcomeTable | None = None,
) -> list[Job]:
    """Every case under every seed and policy; raises ConfigError on an unknown policy."""
    found: list[Job] = []
    for case in cases:
        names = list(chosen(world_of(case.scenario, 0, outcomes), policies))
        for seed in range(seeds):
            for name in names:
                job = Job(number=len(found), case=case, policy=name, seed=seed, outcomes=outcomes)
                found.append(job)
    return found


def sweep(jobs: Sequence[Job], *, engine: Engine, at_once: int | None, watch: Watch) -> Sweep:
    """Make the runs; Ctrl-C leaves what was done by then.

    at_once     runs at the same time on this machine; None for one a core
    raises      ConfigError if the engine is not installed
    """
    from joblib import Parallel, cpu_count, delayed

    lanes = min(at_once or cpu_count(), len(jobs))
    results: list[Result] = []
    with Board.opened(len(jobs)) as board, _backend(engine, lanes), _quiet():
        parallel = Parallel(return_as=RETURNS[engine], batch_size=1, pre_dispatch="2*n_jobs")
        with watch(board), board.stops_on_interrupt(), contextlib.suppress(KeyboardInterrupt):
            made = parallel(delayed(make)(job, board, i) for i, job in enumerate(jobs))
            results.extend(result for result in made if result is not None)
    ordered = sorted(results, key=lambda result: result.number)
    cases = {job.case.settings: job.case for job in jobs}
    return Sweep(asked=len(jobs), cases=tuple(cases.values()), results=tuple(ordered))


def make(job: Job, board: Board, row: int) -> Result | None:
    """One run, told to a row of the board, summed up; None if it was stopped before it began."""
    news = board.news(row)
    if news.is_stopped:
        return None
    world = world_of(job.case.scenario, job.seed, job.outcomes)
    contender = chosen(world, [job.policy])[job.policy]
    news.begin(runner.steps(world))
    run = runner.run(world, job.policy, contender, job.seed, news)
    if not run.steps:
        return None
    return Result(
        number=job.number,
        settings=job.case.settings,
        summary=summarize(run, world),
        trail=trail(run, world),
    )


@contextlib.contextmanager
def _backend(engine: Engine, lanes: int) -> Iterator[None]:
    """joblib set to run things here, or on the cluster that the engine finds by itself."""
    from joblib import parallel_config

    if engine == "local":
        with parallel_config(backend="loky" if lanes > 1 else "sequential", n_jobs=lanes):
            yield
    elif engine == "dask":
        with _dask_client(), parallel_config(backend="dask", n_jobs=-1):
            yield
    else:
        _register_ray()
        with parallel_config(backend="ray", n_jobs=-1):
            yield


def _dask_client() -> Any:
    """The client in use, or one of the cluster that dask's settings name; else one made here."""
    try:
        from distributed import Client, get_client
    except ImportError as error:
        raise ConfigError(
            "--engine dask needs the package distributed; install windsock[cluster]"
        ) from error
    try:
        get_client()
    except ValueError:
        try:
            return Client()  # type: ignore[no-untyped-call]
        except OSError as error:
            raise WindsockError(f"the dask scheduler does not answer: {error}") from error
    return contextlib.nullcontext()


def _register_ray() -> None:
    try:
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise ConfigError("--engine ray needs the package ray; pip install ray") from error
    register_ray()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """joblib tells of workers that idled out and were started anew, which changes no result."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="joblib.*", category=UserWarning)
        yield
