"""Where a site's files are written: pages rendered with escaping on, and the hash of everything that was written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.types import InputError

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).resolve().parent / "templates"
POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src 'self' file: data: "
    "blob:; font-src 'self' file:; base-uri 'none'; form-action 'none'"
)
"""What a page may load: files beside it, and nothing else. `file:` names the files of a site opened without a server;
styles may be inline because plotly and KaTeX set them, scripts may not, so markup in a text can never run."""
PAGES = (
    ("index.html", "Leaderboard"),
    ("scaling.html", "Scaling"),
    ("compare.html", "Compare"),
    ("rounds.html", "Rounds"),
    ("method.html", "Method"),
)
"""What the navigation leads to."""


@dataclass(slots=True)
class SiteFiles:
    """The folder of a site that is being built. Picklable, so that runs can be written in processes of their own."""

    out: Path
    written: dict[str, str] = field(default_factory=dict)
    """Path below `out` to the SHA-256 of what stands there."""

    def text(self, path: str, text: str) -> None:
        """Write one file. Lone surrogates, which no file can hold, become question marks."""
        self.content(path, text.encode("utf-8", "replace"))

    def content(self, path: str, content: bytes) -> None:
        """Write one file. Raises InputError where the folder cannot be written."""
        target = self.out / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            raise InputError(
                f"{target}: cannot be written ({error.strerror}); name another folder with --out"
            ) from error
        self.written[path] = hashlib.sha256(content).hexdigest()

    def page(self, template: str, path: str, *, title: str, **context: Any) -> None:
        """Render `templates/<template>` to `path`. In it stand `root`, the way to the site's top, and `pages`."""
        rendered = (
            environment()
            .get_template(template)
            .render(
                title=title,
                root="../" * path.count("/"),
                pages=PAGES,
                here=path,
                policy=POLICY,
                version=_version(),
                **context,
            )
        )
        self.text(path, rendered)


@cache
def environment() -> Environment:
    """The templates. A name that a template asks for and does not get is an error, and every value is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"embedded": embedded}
    return found


def embedded(content: Any) -> Any:
    """JSON to stand in a `<script type="application/json">`, which no browser runs: nothing in it ends the element."""
    from markupsafe import Markup

    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704


@cache
def _version() -> str:
    return version("rstar-bench")
