// The classes of a record's answers, and what each rule sees of them at a budget. The same counts as
// rstar/search/voting.py; who won is read from the record, which knows how ties were broken.
"use strict";
(() => {
  // [{number, answers: [places], letter}], the most voted-for first; answers outside of every vote are classes of their own.
  rstar.classes = (record) => {
    const found = new Map();
    record.answers.forEach(([, number, letter], place) => {
      const key = number < 0 ? `alone ${place}` : number;
      if (!found.has(key)) found.set(key, { number, places: [], letter });
      const group = found.get(key);
      group.places.push(place);
      if (letter === "c") group.letter = "c";
    });
    const groups = [...found.values()];
    for (const group of groups) group.votes = record.of.filter((place) => group.places.includes(place)).length;
    return groups.sort((a, b) => b.votes - a.votes);
  };

  // What a rule weighs a class by among the first `budget` trajectories; null where it has no vote there.
  rstar.weight = (record, group, rule, budget, topK) => {
    const isVoting = (place) => place !== null && record.answers[place][1] >= 0;
    let counted = record.of.slice(0, budget).map((place, at) => [place, record.values[at]]).filter(([place]) => isVoting(place));
    if (rule === "top_k") counted = counted.map((each, at) => [each, at]).sort((a, b) => b[0][1] - a[0][1] || a[1] - b[1]).slice(0, topK).map(([each]) => each);
    const own = counted.filter(([place]) => group.places.includes(place)).map(([, value]) => value);
    if (!own.length) return null;
    if (rule === "best") return Math.max(...own);
    if (rule === "weighted") return own.reduce((sum, value) => sum + (value + 1) / 2, 0);
    return own.length;
  };

  // The trajectory that speaks for what a rule chose at the budget in this place: the best-judged one with that answer.
  rstar.chosenRollout = (record, rule, budgetPlace, budget) => {
    const place = record.chosen[rule]?.[budgetPlace];
    if (place === null || place === undefined) return -1;
    return best(record, (each, at) => each === place && at < budget);
  };

  rstar.bestRollout = (record, letter) => best(record, (place) => place !== null && record.answers[place][2] === letter);

  function best(record, fits) {
    let found = -1;
    record.of.forEach((place, at) => {
      if (fits(place, at) && (found < 0 || record.values[at] > record.values[found])) found = at;
    });
    return found;
  }
})();
