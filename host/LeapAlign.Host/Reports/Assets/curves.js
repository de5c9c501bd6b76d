"use strict";

// What is drawn as a curve: rewards, training, and what the algorithm measured.
const column = (run, group, name) => run.curves.columns.find(one => one.group === group && one.name === name);
const label = (run, words) => several ? (words ? `${run.name}, ${words}` : run.name) : words;

function rewardCharts() {
  const names = distinct(report.runs.flatMap(run => run.rewards.map(reward => reward.name)));
  return names.map(name => {
    const series = [];
    report.runs.forEach((run, index) => {
      const trained = column(run, "rewards", name);
      if (trained) series.push({ label: label(run, "training batch"), points: run.curves, values: trained.values, colour: colour(index), dash: index, faint: true, marks: false });
      series.push(...evaluatedSeries(run, index, "rewards", name));
    });
    const heldOut = report.runs.every(run => run.rewards.every(reward => reward.name !== name || reward.heldOut));
    return series.length > 0 ? chart(`rewards.${name}`, name, heldOut ? "held out: measured, never trained on" : "trained", series) : null;
  });
}

// What evaluations drew: their own pictures, then each preview.
const drawn = run => [{ preview: null, evaluations: run.evaluations }, ...run.previews.map(({ name, evaluations }) => ({ preview: name, evaluations }))];

function evaluatedSeries(run, index, group, name) {
  return drawn(run).flatMap(({ preview, evaluations }, place) => {
    const evaluated = evaluations.filter(evaluation => name in evaluation[group]);
    if (evaluated.length === 0) return [];
    const points = { step: evaluated.map(one => one.step), evaluations: evaluated.map(one => one.evaluations), seconds: evaluated.map(one => one.seconds) };
    const words = preview === null ? "evaluation" : `preview ${preview}`;
    return [{ label: label(run, words), points, values: evaluated.map(one => one[group][name]), colour: colour(several ? index : place), dash: index + place, marks: true }];
  });
}

function measureCharts() {
  const names = distinct(report.runs.flatMap(run => run.evaluations.flatMap(evaluation => Object.keys(evaluation.measures))));
  return names.map(name => chart(`measures.${name}`, name, notes[name] ?? null, report.runs.flatMap((run, index) => evaluatedSeries(run, index, "measures", name))));
}

function columnCharts(group, wanted) {
  const names = distinct(report.runs.flatMap(run => run.curves.columns.filter(one => one.group === group || group === null && wanted.includes(one.name) && one.group === one.name).map(one => one.name)));
  return names.map(name => {
    const series = [];
    report.runs.forEach((run, index) => {
      const found = column(run, group ?? name, name);
      if (found) series.push({ label: label(run, several ? "" : titles[name] ?? name), points: run.curves, values: found.values, colour: colour(index), dash: index, marks: run.curves.step.length < 3 });
    });
    return chart(group ? `${group}.${name}` : name, titles[name] ?? name, notes[name] ?? null, series);
  });
}

const titles = { gradientNorm: "gradient norm", rate: "learning rate", skipped: "updates left out", distance_j: "d_j", distance_0: "d_0" };
const notes = {
  gradientNorm: "L2, before clipping",
  skipped: "by the guard, before the optimizer saw them",
  "clipped share": "colour values at either end of the range",
  "fine detail": "the share of detail that is finer than four pixels",
  diversity: "the mean distance between two pictures of a caption",
};

function thinned() {
  const long = report.runs.filter(run => run.curves.every > 1);
  return long.length > 0 ? h("p", { class: "note" }, long.map(run => `${run.name}: every ${run.curves.every}th step is shown. `)) : null;
}
