"""Seeds are functions of their address."""

from __future__ import annotations

from rstar.seeds import derive, generator


def test_a_seed_depends_on_every_part_of_the_address() -> None:
    seeds = [
        derive(0, "p", 1),
        derive(1, "p", 1),
        derive(0, "q", 1),
        derive(0, "p", 2),
        derive(0, "p"),
        derive(0, "p", "1"),
    ]
    assert len(set(seeds)) == len(seeds)


def test_parts_do_not_run_together() -> None:
    assert derive(0, "ab", "c") != derive(0, "a", "bc")
    assert derive(0, 1, 23) != derive(0, 12, 3)


def test_a_seed_never_changes() -> None:
    # Records and journals hold results of these seeds.
    assert derive(7, "aime2024/I-07", 0, 3) == 3401631303718332057


def test_seeds_fit_a_signed_64_bit_field() -> None:
    assert all(0 <= derive(seed, "p") < 2**63 for seed in range(1000))


def test_generators_of_one_address_agree() -> None:
    assert generator(0, "p", 1).random() == generator(0, "p", 1).random()
