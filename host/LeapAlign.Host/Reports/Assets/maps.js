"use strict";

// Charts that are tables: heat maps of choices, bars of tasks, strips of stages.
function choiceMaps() {
  return report.runs.flatMap((run, index) => run.choices.map(map => {
    const most = Math.max(...map.counts.flat());
    const heat = count => {
      const share = most > 0 ? 100 * count / most : 0;
      return h("td", { style: `--heat:${share.toFixed(1)}`, class: share > 55 ? "full" : null }, num(count));
    };
    const title = map.column ? `(${map.row}, ${map.column})` : map.row;
    const head = map.column
      ? h("tr", {}, h("th", { scope: "col" }, `${map.row} \\ ${map.column}`), map.columns.map(value => h("th", { scope: "col" }, value)))
      : h("tr", {}, h("th", { scope: "col" }, map.row), map.rows.map(value => h("th", { scope: "col" }, value)));
    const rows = map.column
      ? map.rows.map((value, row) => h("tr", {}, h("th", { scope: "row" }, value), map.counts[row].map(heat)))
      : [h("tr", {}, h("th", { scope: "row" }, "times"), map.counts.map(count => heat(count[0])))];
    const total = map.counts.flat().reduce((sum, count) => sum + count, 0);
    const caption = `How often ${title} was chosen, ${format(total)} times in all`;
    return h("div", { class: "card", "data-map": `${index}.${title}` },
      h("div", { class: "head" }, h("h3", {}, several ? [runName(index), " "] : null, title)),
      h("div", { class: "scroll whole", tabindex: 0, role: "region", "aria-label": caption }, h("table", { class: "heat" }, h("caption", {}, caption), h("thead", {}, head), h("tbody", {}, rows))));
  }));
}

function taskBars() {
  const rewards = distinct(report.runs.flatMap(run => run.evaluations.flatMap(evaluation => Object.keys(evaluation.tasks))));
  return rewards.map(name => {
    const rows = [];
    const ends = report.runs.map(run => run.evaluations.filter(evaluation => evaluation.tasks[name])).map(all => [all[0], all.at(-1)]);
    const tasks = distinct(ends.flatMap(pair => pair[0] ? Object.keys(pair[1].tasks[name]) : []));
    const values = ends.flatMap(pair => pair[0] ? pair.flatMap(one => Object.values(one.tasks[name]).map(Number)) : []);
    const [least, most] = [Math.min(0, ...values), Math.max(0, ...values)];
    const at = value => 100 * (value - least) / (most - least || 1);
    for (const task of tasks) {
      report.runs.forEach((run, index) => {
        const [first, last] = ends[index].map(one => one?.tasks[name][task] ?? null);
        if (last === null) return;
        const [from, to] = [Math.min(at(0), at(last)), Math.max(at(0), at(last))];
        const bar = h("div", { class: "track", "aria-hidden": "true" }, h("i", { style: `left:${from}%;width:${to - from}%;background:var(${colour(index)})` }), h("b", { style: `left:calc(${at(first)}% - 1px)` }));
        rows.push([task, ...(several ? [h("span", {}, runName(index))] : []), num(first), num(last), change(first, last), bar]);
      });
    }
    const columns = [{ head: "task" }, ...(several ? [{ head: "run" }] : []), { head: "first", n: true }, { head: "last", n: true }, { head: "change", n: true }, { head: "" }];
    return h("div", { class: "card", "data-tasks": name }, h("div", { class: "head" }, h("h3", {}, name), h("p", { class: "note" }, "bar: last evaluation, mark: first")), table(`${name} by task, first and last evaluation`, columns, rows, { quiet: true }));
  });
}

function stageColours() {
  const seconds = new Map();
  for (const run of report.runs) for (const stage of run.time.stages) seconds.set(stage.name, Math.max(seconds.get(stage.name) ?? 0, stage.seconds / Math.max(1, run.time.steps)));
  const order = [...seconds].sort((left, right) => right[1] - left[1]).map(pair => pair[0]);
  // Beyond seven colours nobody tells them apart; the short stages share a grey.
  return new Map(order.map((name, index) => [name, index < 7 ? colour(index) : "--soft"]));
}

function timeCards() {
  const colours = stageColours();
  const timed = report.runs.map((run, index) => ({ run, index })).filter(one => one.run.time.steps > 0);
  if (timed.length === 0) return [];
  const longest = Math.max(...timed.map(one => one.run.time.secondsPerStep));
  const strips = timed.map(({ run, index }) => {
    const { stages, seconds, secondsPerStep } = run.time;
    return h("div", { class: "strip" },
      h("div", {}, h("span", {}, several ? runName(index) : "one step"), h("span", {}, num(secondsPerStep), " s")),
      h("div", { class: "stages", role: "img", "aria-label": `Stages of a step of ${run.name}; the table has the numbers`, style: `width:${100 * secondsPerStep / longest}%` },
        stages.map(stage => h("i", { style: `width:${100 * stage.seconds / seconds}%;background:var(${colours.get(stage.name)})`, title: `${stage.name} ${percent(stage.seconds / seconds)}` }))));
  });
  const rows = [...colours.keys()].map(name => [h("span", {}, swatch(colours.get(name)), name), ...timed.flatMap(({ run }) => {
    const stage = run.time.stages.find(one => one.name === name);
    return stage ? [num(stage.seconds / run.time.steps), percent(stage.seconds / run.time.seconds)] : ["–", "–"];
  })]);
  const columns = [{ head: "stage" }, ...timed.flatMap(({ run }) => [{ head: several ? `${run.name}, s a step` : "seconds a step", n: true }, { head: "share", n: true }])];
  return [
    h("div", { class: "card", "data-time": "stages" }, h("div", { class: "head" }, h("h3", {}, "Stages of a step")), strips, table("Seconds of each stage", columns, rows, { quiet: true })),
    ledgerCard(timed),
  ];
}

function ledgerCard(timed) {
  const lines = [
    ["F a step", time => num(time.evaluationsPerStep)],
    ["of these, recorded for a backward", time => num(time.steps ? time.gradientEvaluations / time.steps : 0)],
    ["seconds of one F", time => num(time.secondsPerEvaluation)],
    ["F × time of one", time => num(time.evaluationsPerStep * time.secondsPerEvaluation)],
    ["seconds of a step", time => num(time.secondsPerStep)],
    ["share of the step", time => percent(time.share)],
    ["training in all", time => duration(time.seconds)],
    ["evaluations beside it", time => duration(time.evaluationSeconds)],
  ];
  const columns = [{ head: "" }, ...timed.map(({ run }) => ({ head: several ? run.name : "", n: true }))];
  return h("div", { class: "card", "data-time": "ledger" }, h("div", { class: "head" }, h("h3", {}, "F-ledger"), h("p", { class: "note" }, "F: one forward of the velocity network on a micro-batch")),
    table("Network evaluations times the time of one, against the step", columns, lines.map(([name, value]) => [name, ...timed.map(({ run }) => value(run.time))]), { quiet: true }));
}
