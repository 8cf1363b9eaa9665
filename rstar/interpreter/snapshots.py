"""Which states of which paths have a live process, bounded in number and memory; the least recently used goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Place = tuple[str, bytes]
"""Set of libraries and path key of a state."""


@dataclass(slots=True)
class Held:
    """One live snapshot."""

    id: int
    private_kib: int
    users: int = 0
    """Executions that are being forked from it now; it is not evicted meanwhile."""
    num_steps: int = 0
    """Steps that its process has executed in place, after its first one."""


class SnapshotTable:
    """The supervisor's account of live snapshots."""

    def __init__(self, max_snapshots: int, max_mb: int) -> None:
        self._max_snapshots = max_snapshots
        self._max_kib = max_mb << 10
        self._held: OrderedDict[Place, Held] = OrderedDict()
        self._place_of: dict[int, Place] = {}
        self._kib = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def private_kib(self) -> int:
        """Memory of all of them together that is not shared."""
        return self._kib

    def each_kib(self) -> list[int]:
        """Private memory of every live snapshot."""
        return [held.private_kib for held in self._held.values()]

    def deepest(self, places: Sequence[Place]) -> tuple[int, Held | None]:
        """The last of `places` that has a snapshot, as (its index + 1, snapshot); (0, None) where none has."""
        for depth in range(len(places), 0, -1):
            held = self._held.get(places[depth - 1])
            if held is not None:
                self._held.move_to_end(places[depth - 1])
                return depth, held
        return 0, None

    def add(self, place: Place, held: Held) -> list[int]:
        """Note a new snapshot; returns the ids to drop, the new one's among them where the place was taken."""
        if place in self._held:
            return [held.id]
        self._held[place] = held
        self._place_of[held.id] = place
        self._kib += held.private_kib
        return list(self._overflow())

    def deepest_before(self, places: Sequence[Place]) -> int:
        """Depth (index + 1) of the last of `places` that has a snapshot; 0, a fresh program, where none has."""
        return next((depth for depth in range(len(places), 0, -1) if places[depth - 1] in self._held), 0)

    def remove(self, identity: int) -> None:
        """Forget a snapshot that is gone."""
        place = self._place_of.pop(identity, None)
        if place is not None:
            self._kib -= self._held.pop(place).private_kib

    def clear(self) -> None:
        """Forget all."""
        self._held.clear()
        self._place_of.clear()
        self._kib = 0

    def _overflow(self) -> Iterable[int]:
        idle = [held.id for held in self._held.values() if held.users == 0]
        for identity in idle:
            if len(self._held) <= self._max_snapshots and self._kib <= self._max_kib:
                return
            self.remove(identity)
            yield identity
