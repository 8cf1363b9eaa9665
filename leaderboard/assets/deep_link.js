// What stands after `#`: run, problem, seed, and for a tree node, rollout, colour. Every view has an address of its own.
"use strict";
(() => {
  rstar.address = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

  rstar.link = (page, fields) => {
    const known = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== "");
    return new URL(`${page}#${new URLSearchParams(known)}`, rstar.top).href;
  };

  // Changes the address without a step in the history: moving a slider is no place to go back to. A browser allows
  // few changes a second, and each costs as much as a frame, so they are gathered.
  let gathered = {}, timer = 0;
  rstar.remember = (fields) => {
    Object.assign(gathered, fields);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const kept = Object.entries({ ...rstar.address(), ...gathered }).filter(([, value]) => value !== undefined && value !== null && value !== "");
      gathered = {};
      history.replaceState(null, "", `#${new URLSearchParams(kept)}`);
    }, 150);
  };

  // The run's index and the row of one problem and seed in it; an Error that a reader understands where there is none.
  rstar.find = async ({ run, problem, seed }) => {
    if (!run || !/^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(run)) throw new Error("The address names no run.");
    const index = await rstarLoad(`data/${run}/run`).catch(() => { throw new Error(`This site has no run ${run}.`); });
    const place = index.ids.indexOf(problem ?? index.ids[0]);
    if (place < 0) throw new Error(`Run ${run} has no problem ${problem}.`);
    const seedPlace = seed === undefined ? 0 : index.seeds.indexOf(Number(seed));
    const row = index.problem.findIndex((each, at) => each === place && index.seed[at] === seedPlace);
    if (row < 0) throw new Error(`Run ${run} has no seed ${seed} for problem ${problem}.`);
    return { index, place, row, id: index.ids[place], seed: index.seeds[seedPlace] };
  };

  rstar.PER_FILE = 50; // leaderboard/statements.py
  rstar.record = async (index, row) =>
    (await rstarLoad(`data/${index.key}/records-${Math.floor(row / rstar.PER_FILE)}`))[row % rstar.PER_FILE];
})();
