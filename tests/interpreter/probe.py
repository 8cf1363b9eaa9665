"""What a hostile probe is, what it may try to touch, and how its damage is seen from outside.

A probe is a short program. Its damage is judged by effects that the test itself owns (a canary file, a loopback
listener, a secret in the environment, a signal counter) and, where an effect has no outside, by the program printing
`MARK`, a random word that it learns only from its preamble. Every effect is harmless where nothing contains it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import stat
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from listeners import Listeners

from rstar.types import Execution

REPOSITORY = Path(__file__).resolve().parents[2]
SECRET_VARIABLE = "RSTAR_RED_TEAM_SECRET"
OUTPUT_CAP = 4_000_000
"""Characters of stdout and error above which a result itself is a memory bomb; chosen, not tuned."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One hostile program and the property that it attacks."""

    name: str
    """What the program tries, as the end of the sentence "the jail stops a program that ..."."""
    code: str
    endless: bool = False
    """It never ends by itself, so it is run under the short time limit."""
    must_fail: bool = False
    """Status `ok` would be a lie."""
    prefix: tuple[str, ...] = ()
    """Code of the steps before it."""


@dataclass
class Scene:
    """Everything a probe may try to reach, all of it made by the test and all of it worthless."""

    folder: Path
    secret: str
    mark: str
    word: str
    """Part of the name of every file that a probe tries to leave outside `folder`."""
    supervisor: int
    listeners: Listeners
    signals: list[int] = field(default_factory=list)

    @property
    def canary(self) -> Path:
        return self.folder / "canary.txt"

    @property
    def secret_file(self) -> Path:
        return self.folder / "secret.txt"

    def preamble(self) -> str:
        """One line of plain assignments in front of a probe's code."""
        names: dict[str, object] = {
            "FOLDER": str(self.folder),
            "CANARY": str(self.canary),
            "SECRET_FILE": str(self.secret_file),
            "MARK": self.mark,
            "WORD": self.word,
            "SUPERVISOR": self.supervisor,
            "REPOSITORY": str(REPOSITORY),
            "PACKAGES": sysconfig.get_path("purelib"),
            "PORT": self.listeners.tcp_port,
            "PORT6": self.listeners.tcp6_port,
            "UDP_PORT": self.listeners.udp_port,
            "UNIX": self.listeners.unix_path,
            "ABSTRACT": self.listeners.abstract_name,
        }
        return "; ".join(f"{name} = {value!r}" for name, value in names.items()) + "\n"

    def program(self, probe: Probe) -> str:
        return self.preamble() + probe.code

    def secret_texts(self) -> list[str]:
        """Texts that no result may hold."""
        texts = [self.secret, 'name = "rstar-bench"', "class Candidate:"]
        with Path("/etc/passwd").open(encoding="utf-8", errors="replace") as file:
            texts.append(file.readline().strip())
        return texts


@contextmanager
def open_scene(supervisor: int | None = None) -> Iterator[Scene]:
    """A scene in a world-writable temporary folder, its listeners answering; all gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="rstar-red-team-"))
    folder.chmod(0o777)
    secret = os.environ.setdefault(SECRET_VARIABLE, "secret-" + secrets.token_hex(8))
    with Listeners(folder / "listener.sock") as listeners:
        scene = Scene(
            folder=folder,
            secret=secret,
            mark="mark-" + secrets.token_hex(8),
            word="redteam" + secrets.token_hex(6),
            supervisor=supervisor or os.getpid(),
            listeners=listeners,
        )
        try:
            with _count_signals(scene), _inheritable(folder):
                yield scene
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            for path in _strays(scene):
                path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _count_signals(scene: Scene) -> Iterator[None]:
    """Count SIGURG, which is ignored by default, so a probe can prove a delivery without hurting anybody."""

    def count(number: int, _: FrameType | None) -> None:
        scene.signals.append(number)

    before = signal.signal(signal.SIGURG, count)
    try:
        yield
    finally:
        signal.signal(signal.SIGURG, before)


@contextmanager
def _inheritable(folder: Path) -> Iterator[None]:
    """Descriptors that a careless supervisor would hand down: the secret file and the folder."""
    secret_file = folder / "inherited.txt"
    secret_file.write_text(os.environ[SECRET_VARIABLE], encoding="utf-8")
    descriptors = [os.open(secret_file, os.O_RDONLY), os.open(folder, os.O_RDONLY)]
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)
    try:
        yield
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def reset(scene: Scene) -> None:
    """Bring the scene back to how every probe finds it."""
    for path in scene.folder.iterdir():
        if path.is_socket():
            continue
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    scene.folder.chmod(0o777)
    scene.canary.write_text("canary\n", encoding="utf-8")
    scene.canary.chmod(0o666)
    scene.secret_file.write_text(scene.secret + "\n", encoding="utf-8")
    (scene.folder / f"name-{scene.secret}").touch()
    (scene.folder / "planted_module.py").write_text(f"print({scene.secret!r})\n", encoding="utf-8")
    (scene.folder / "empty").mkdir()
    (scene.folder / "empty").chmod(0o777)
    for path in _strays(scene):
        path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
    scene.signals.clear()
    scene.listeners.contacts()


def picture(scene: Scene) -> dict[str, tuple[object, ...]]:
    """Names, kinds, modes, owners, times, attributes and bytes of everything in the folder."""
    seen: dict[str, tuple[object, ...]] = {}
    for path in sorted([scene.folder, *scene.folder.rglob("*")]):
        info = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(info.st_mode) else b""
        attributes = tuple(os.listxattr(path, follow_symlinks=False))
        seen[str(path)] = (info.st_mode, info.st_uid, info.st_gid, info.st_nlink, info.st_mtime_ns, attributes, content)
    return seen


def damage(scene: Scene, before: dict[str, tuple[object, ...]], probe: Probe, execution: Execution | None) -> list[str]:
    """Every effect of the probe that a jail would have stopped; empty where it was contained."""
    found: list[str] = []
    if execution is None:
        found.append("no answer came back")
    else:
        found += _damage_in_result(scene, probe, execution)
    if picture(scene) != before:
        found.append("the folder of the test was changed")
    found += [f"a file was left at {path}" for path in _strays(scene)]
    if contacts := scene.listeners.contacts():
        found.append(f"a listener was reached: {contacts}")
    if scene.signals:
        found.append(f"the supervisor got signals {scene.signals}")
    return found


def _damage_in_result(scene: Scene, probe: Probe, execution: Execution) -> list[str]:
    found = []
    text = execution.stdout + execution.error
    if scene.mark in execution.stdout:
        found.append(f"the program proved it: {execution.stdout[:200]!r}")
    found += [f"the result holds {text_!r}" for text_ in scene.secret_texts() if text_ in text]
    if probe.must_fail and execution.status == "ok":
        found.append(f"status ok: {execution}"[:300])
    if execution.status not in ("ok", "error", "timeout", "memory", "refused"):
        found.append(f"status {execution.status!r:.200}")
    if execution.status == "ok" and execution.error:
        found.append("an error beside status ok")
    if len(text) > OUTPUT_CAP:
        found.append(f"a result of {len(text)} characters")
    if not 0 <= execution.seconds < 600:
        found.append(f"seconds = {execution.seconds}")
    return found


def _strays(scene: Scene) -> list[Path]:
    folders = [Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/"), Path.home(), Path.cwd(), REPOSITORY]
    folders += [Path(os.__file__).parent, Path(shutil.__file__).parent / "site-packages"]
    return sorted({path for folder in folders if folder.is_dir() for path in folder.glob(f"*{scene.word}*")})
