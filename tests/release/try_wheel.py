"""Installs the built wheel into an empty environment and uses it as a stranger would; prints what it measured.

    python tests/release/try_wheel.py dist            # base install: reading, grading, reports, without torch
    python tests/release/try_wheel.py dist --demo     # then the search extra, and a short `rstar demo`

Exit code 1 where a command fails or a limit is passed. The limits are those of the project's issue 9: a wheel of 20 MB,
and a base install of 60 s and 400 MB. Time depends on the machine and its network, so it is shown, and judged with
`--judge-time` alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_WHEEL_MB, MAX_INSTALL_MB, MAX_INSTALL_SECONDS = 20, 400, 60
COMMANDS = (
    "--version",
    "--help",
    "tasks",
    "tasks show procedural --json",
    "grade replies.jsonl --json",
    "grade replies.jsonl --policy both --out graded.jsonl",
    "report results/procedural --x tokens --into report",
    "report results/procedural/TREE --statistics --json",
    "compare results/procedural/SAMPLES results/procedural/TREE",
    "anatomy results/procedural/TREE",
    "power --task procedural --gap 5",
    "export results/procedural/TREE --format inspect --out exports",
    "init run.yaml --yes",
    "doctor",
)


class Release:
    """The wheel, and an environment to try it in."""

    def __init__(self, dist: Path, folder: Path) -> None:
        wheels = sorted(dist.glob("*.whl"))
        if len(wheels) != 1:
            sys.exit(f"{dist}: holds {len(wheels)} wheels, not one; run make dist")
        self.wheel, self.folder = wheels[0].resolve(), folder
        self.venv = folder / "venv"
        self.failures: list[str] = []

    def create(self) -> None:
        """An environment with nothing but pip."""
        subprocess.run([sys.executable, "-m", "venv", str(self.venv)], check=True)

    def install(self, extra: str = "") -> float:
        """Install the wheel as the tested set; the seconds that it took."""
        start = time.monotonic()
        target = f"{self.wheel}[{extra}]" if extra else str(self.wheel)
        command = [self.venv / "bin/python", "-m", "pip", "install", "-qq", "-c", ROOT / "constraints.txt", target]
        subprocess.run(command, check=True)
        return time.monotonic() - start

    def size_mb(self) -> float:
        """Of what was installed, pip and setuptools left out; compiled files counted, as pip makes them."""
        packages = next((self.venv / "lib").glob("python*/site-packages"))
        files = (path for path in packages.rglob("*") if path.is_file() and not path.is_symlink())
        own = (path for path in files if path.relative_to(packages).parts[0].split("-")[0] not in ("pip", "setuptools"))
        return sum(path.stat().st_size for path in own) / 1e6

    def rstar(self, arguments: str) -> None:
        """Run a command in the scratch folder; a failure is kept."""
        for name, start in (("TREE", "tiny"), ("SAMPLES", "weighted")):
            arguments = arguments.replace(name, next((self.folder / "results/procedural").glob(f"{start}-*")).name)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RSTAR_"))}
        start = time.monotonic()
        done = subprocess.run(
            [self.venv / "bin/rstar", *arguments.split()],
            cwd=self.folder,
            env={**environment, "RSTAR_CACHE_DIR": str(self.folder / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        sys.stdout.write(f"  {time.monotonic() - start:6.1f} s  rstar {arguments}\n")
        if done.returncode:
            self.failures.append(f"rstar {arguments}: left with {done.returncode}: {done.stderr[-800:]}")

    def limit(self, what: str, value: float, most: float, unit: str, *, judges: bool = True) -> None:
        """Show a measured value beside its limit; a passed one is a failure."""
        sys.stdout.write(f"{what:34} {value:8.1f} {unit}  (limit {most:g})\n")
        if judges and value > most:
            self.failures.append(f"{what}: {value:.1f} {unit} is more than {most:g}")


def main() -> int:
    """0 where everything works within the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dist", type=Path)
    parser.add_argument("--demo", action="store_true", help="also install the search extra and run a short demo")
    parser.add_argument("--judge-time", action="store_true", help="a base install of more than 60 s is a failure")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rstar-release-") as name:
        release = Release(asked.dist, Path(name))
        shutil.copytree(ROOT / "results", release.folder / "results", ignore=shutil.ignore_patterns("journals"))
        shutil.copy(ROOT / "docs/examples/replies.jsonl", release.folder)
        release.limit("wheel", release.wheel.stat().st_size / 1e6, MAX_WHEEL_MB, "MB")
        release.create()
        seconds = release.install()
        release.limit("base install, time", seconds, MAX_INSTALL_SECONDS, "s", judges=asked.judge_time)
        release.limit("base install, size", release.size_mb(), MAX_INSTALL_MB, "MB")
        if next(release.venv.glob("lib/python*/site-packages/torch"), None):
            release.failures.append("the base install holds torch")
        for command in COMMANDS:
            release.rstar(command)
        if asked.demo:
            sys.stdout.write(f"search extra installed in {release.install('search'):.0f} s\n")
            release.rstar("demo --limit 12 --budgets 1,4 --out demo")
        sys.stdout.write("".join(f"FAILED: {failure}\n" for failure in release.failures))
    return 1 if release.failures else 0


if __name__ == "__main__":
    sys.exit(main())
