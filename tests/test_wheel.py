"""The built wheel works from outside the checkout, rooms included, and runs nothing at start."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def build(folder: Path) -> Path:
    code = f"from hatchling.build import build_wheel; print(build_wheel({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_the_wheel_holds_both_rooms_and_works_from_anywhere(tmp_path: Path) -> None:
    wheel = build(tmp_path)
    names = zipfile.ZipFile(wheel).namelist()
    assert "windsock/pricefeeds/openrouter/feed.toml" in names
    assert "windsock/pricefeeds/archive/events.csv" in names
    assert "windsock/simulations/price-cut/scenario.toml" in names
    assert "windsock/service/control/static/index.html" in names
    assert "windsock/providers/presets.toml" in names
    assert "windsock/config/benchmark_rates.csv" in names
    assert any(name.startswith("windsock/store/migrations/versions/") for name in names)
    assert not any(name.endswith(".pth") or name.startswith("tests/") for name in names)
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    code = (
        "import windsock, sys; assert 'installed' in windsock.__file__, windsock.__file__\n"
        "from windsock.resources import folders\n"
        "assert 'openrouter' in folders('pricefeeds', 'feed.toml')\n"
        "assert 'price-cut' in folders('simulations', 'scenario.toml')\n"
        "from windsock.store.migrations import upgrade; upgrade('sqlite:///x.db')\n"
        "from windsock.app.bootstrap import build\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(installed)!r})\n{code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_nothing_of_ours_runs_when_python_starts() -> None:
    site = Path(venv.__file__).parent
    assert site.exists()
    packages = Path(sys.prefix) / "lib"
    pth = [path.name for path in packages.rglob("*.pth")]
    assert [name for name in pth if "windsock" in name] in ([], ["_windsock.pth"])
