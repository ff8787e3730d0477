"""Fetch the browser libraries named in package-lock.json and copy them beside the page.

Run by hand after a version changes: `python deploy/vendor/vendor.py`. Needs npm. The lock file
holds an integrity hash per package and no address, so any npm mirror serves.
"""

import gzip
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
STATIC = HERE.parents[1] / "src" / "windsock" / "service" / "control" / "static"
COPIED = {
    "uplot/dist/uPlot.iife.min.js": "uPlot.iife.min.js.gz",
    "uplot/dist/uPlot.min.css": "uPlot.min.css",
    "uplot/LICENSE": "uPlot.LICENSE.txt",
}


def main() -> None:
    npm = shutil.which("npm") or "npm"
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        install = [npm, "ci", "--ignore-scripts", "--no-audit"]
        subprocess.run(install, cwd=folder, check=True)  # noqa: S603 (nothing from outside)
        for source, name in COPIED.items():
            raw = (Path(folder) / "node_modules" / source).read_bytes()
            packed = gzip.compress(raw, 9, mtime=0) if name.endswith(".gz") else raw
            (STATIC / name).write_bytes(packed)
    (STATIC / "SHA256SUMS").write_text(sums())


def sums() -> str:
    """In the form `sha256sum --check` reads."""
    lines = [
        f"{hashlib.sha256((STATIC / name).read_bytes()).hexdigest()}  {name}\n"
        for name in sorted(COPIED.values())
    ]
    return "".join(lines)


if __name__ == "__main__":
    main()
