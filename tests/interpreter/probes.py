"""All hostile probes, by the kind of damage they try."""

from __future__ import annotations

from dataclasses import replace

from probe import Probe
from probes_files import READING, WRITING
from probes_kernel import KERNEL
from probes_network import NETWORK
from probes_processes import PROCESSES
from probes_resources import AMOUNT, MEMORY, TIME
from probes_results import ENDINGS, FORGED, HANGING_ENDS, SURPRISES
from probes_secrets import SECRETS

# Whether a step ends while a thread that it started goes on is a choice; that nothing goes on afterwards is not.
_MAY_END = {"waits for its own thread"}

GROUPS: dict[str, list[Probe]] = {
    "reading": READING,
    "writing": WRITING,
    "secrets": SECRETS,
    "network": NETWORK,
    "processes": PROCESSES,
    "kernel": KERNEL,
    "memory": MEMORY,
    "time": [replace(probe, must_fail=probe.name not in _MAY_END) for probe in TIME],
    "amount": AMOUNT,
    "forged": FORGED,
    "endings": ENDINGS,
    "surprises": SURPRISES,
    "hanging": HANGING_ENDS,
}
ALL = [probe for group in GROUPS.values() for probe in group]

HARMLESS_NAIVELY = {
    # exec in a process shows these errors rightly too; a jail that formats errors elsewhere may not
    "recurses without end",
    "raises a class whose name is no text",
    "raises a text that cannot be formatted",
    "raises a class that lies",
    "raises a text with lone surrogates",
    "raises a group",
    "raises with an endless cause",
    "replaces the exception hook",
    "breaks the way errors are printed",
    "asks for input",
    "prints an object that cannot be shown",
    "ends with a value that cannot be shown",
    "ends with a value that shows nothing",
    "ends with a text that cannot be added",
    # exec that catches output in a StringIO is not hurt by these; one that catches descriptor 1 is
    "prints bytes past the text layer",
    "takes stdout away",
    "deletes stdout",
    "closes descriptors 0 to 2",
    "replaces stdout by a liar",
    "replaces stdout by one that never flushes",
    "prints bytes that are no text",
    "prints lone surrogates",
    "prints zero bytes",
    # not every Python has packages there
    "reads packages beside the standard library",
    # these hurt whoever ends the process properly, tracks its time, or goes on running Python in it
    "registers an exit handler that exits",
    "registers an exit handler that fails",
    "registers an exit handler that never ends",
    "waits for its own thread",
    "leaves a thread that waits",
    "leaves a thread that loops",
    "empties the modules",
    "traces every line",
    "adds a pending exit",
    "faults are handled by itself",
    "replaces the importer",
    "replaces the class builder",
    "closes the collector",
}
"""Probes that do no damage to `naive_host.py`, or not every time."""
