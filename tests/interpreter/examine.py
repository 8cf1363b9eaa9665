"""Runs every probe against the jail as whoever runs this script, and prints what was damaged as JSON. Run as a script.

The last line of standard output is {"damage": {probe: [effects]}, "missing": {layer: reason}}.
"""

from __future__ import annotations

import json
import sys

from jail import Jail
from probe import damage, open_scene, picture, reset
from probes import ALL

from rstar.interpreter import active_layers


def main() -> None:
    found: dict[str, list[str]] = {}
    missing = {layer.name: layer.missing for layer in active_layers().layers if not layer.is_active}
    with open_scene() as scene:
        hostile, hasty = Jail(seconds=15, memory_mb=256), Jail(seconds=0.4, memory_mb=256)
        for number, probe in enumerate(ALL):
            jail = hasty if probe.endless else hostile
            reset(scene)
            before = picture(scene)
            harm = damage(scene, before, probe, jail.run(*probe.prefix, scene.program(probe)))
            if hostile.run(f"print({number} * 7)").stdout != f"{number * 7}\n":
                harm.append("the next program got no answer, or a wrong one")
            if harm:
                found[probe.name] = harm
                print(probe.name, harm, file=sys.stderr)
        hostile.close()
        hasty.close()
    print(json.dumps({"damage": found, "missing": missing}))


if __name__ == "__main__":
    main()
