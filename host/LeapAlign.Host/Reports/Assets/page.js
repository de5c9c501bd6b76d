"use strict";

// The page: head, sections, and what makes it follow the reader's screen, colours and printer.
const stateWords = { Running: "running", Completed: "completed", Interrupted: "interrupted", Faulted: "faulted", Died: "died" };

function chip(run) {
  if (!run.record) return null;
  return h("span", { class: `chip ${stateWords[run.record.state]}` }, stateWords[run.record.state]);
}

function header() {
  if (several) {
    return [
      h("h1", {}, `${report.runs.length} runs side by side`),
      h("ul", { class: "about", style: "list-style:none;padding:0" }, report.runs.map((run, index) => h("li", { class: "headline" }, h("span", {}, runName(index)), h("span", {}, about(run)), chip(run)))),
    ];
  }
  const [run] = report.runs;
  return [
    h("div", { class: "headline" }, h("h1", {}, run.name), chip(run)),
    h("p", { class: "about" }, about(run)),
    ...(run.record?.fault ? [h("p", { class: "fault" }, run.record.fault)] : []),
    h("dl", { class: "tiles" }, tiles(run)),
  ];
}

const about = run => [`${run.algorithm} on ${run.model}, `, num(run.done), " of ", num(run.planned), " steps of ", num(run.samplesPerStep), " samples"];

function tiles(run) {
  const tile = (name, value, small) => h("div", { class: "tile", "data-tile": name }, h("dt", {}, name), h("dd", {}, value, small ? h("small", {}, small) : null));
  const [first, last] = [run.evaluations[0], run.evaluations.at(-1)];
  const rewards = last ? run.rewards.filter(reward => reward.name in last.rewards).map(reward => tile(reward.heldOut ? `${reward.name}, held out` : reward.name, num(last.rewards[reward.name]),
    first === last ? "first evaluation" : [change(first.rewards[reward.name], last.rewards[reward.name]), ` since step ${first.step}`])) : [];
  return [
    ...rewards,
    tile("network evaluations", num(run.curves.evaluations.at(-1) ?? 0), "of single samples"),
    tile("training", duration(run.time.seconds), [num(run.time.secondsPerStep), " s a step"]),
  ];
}

function section(id, title, content, side) {
  const parts = content.flat(9).filter(Boolean);
  if (parts.length === 0) return null;
  return {
    body: h("section", { id, "aria-labelledby": `${id}-title` }, h("div", { class: "head" }, h("h2", { id: `${id}-title` }, title), side), parts),
    link: h("li", {}, h("a", { href: `#${id}` }, title)),
  };
}

function axisSwitch() {
  const choices = Object.entries({ step: "steps", evaluations: "network evaluations", seconds: "seconds of training" });
  const field = h("fieldset", { class: "switch" }, h("legend", {}, "Curves over"), choices.map(([value, words]) => h("label", {}, h("input", { type: "radio", name: "axis", value, checked: value === axis }), words)));
  field.addEventListener("change", event => { axis = event.target.value; drawAll(); });
  return field;
}

const cards = (items, wide) => { const all = items.filter(Boolean); return all.length > 0 ? [h("div", { class: wide ? "cards wide" : "cards" }, all)] : []; };

function sections() {
  return [
    several ? section("comparison", "Comparison", comparison()) : null,
    section("rewards", "Rewards", [cards(rewardCharts()), h("div", { style: "height:.75rem" }), rewardTable()], axisSwitch()),
    section("tasks", "Tasks", cards(taskBars(), several)),
    section("pictures", "Pictures", [h("div", { class: "card long" }, pictureSection()), cards(measureCharts())]),
    section("previews", "Previews", previewCards()),
    section("training", "Training", [cards(columnCharts(null, ["loss", "gradientNorm", "rate", "skipped"])), thinned()]),
    section("measurements", "Measurements of the algorithm", [cards([...columnCharts("measurements").filter(figure => !isChoice(figure)), ...choiceMaps()])]),
    section("time", "Where the time went", cards(timeCards(), several)),
    section("settings", "Settings", [differences(), settings()]),
    section("warnings", "Warnings", [warnings()]),
    section("environment", "Environment", [environment()]),
  ].filter(Boolean);
}

// The nodes of the page, by the elements they belong into.
function build() {
  const made = sections();
  return { top: header(), sections: [h("ul", {}, made.map(one => one.link))], main: made.map(one => one.body) };
}

const written = document.getElementById("data");
if (written) {
  take(JSON.parse(written.textContent));
  for (const [id, nodes] of Object.entries(build())) document.getElementById(id).append(...nodes);
  document.getElementById("foot").append(`Written by LeapAlign ${report.program.split("+")[0]} from the files of the run folder${several ? "s" : ""}: one file, which loads nothing.`);
  drawAll();
}
let width = document.documentElement.clientWidth;
new ResizeObserver(() => {
  if (document.documentElement.clientWidth === width) return;
  width = document.documentElement.clientWidth;
  resizeAll();
}).observe(document.documentElement);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach(made => made.plot.redraw(false)));
addEventListener("beforeprint", () => { document.documentElement.classList.add("print"); charts.forEach(made => made.plot.setSize({ width: 330, height: 200 })); });
addEventListener("afterprint", () => { document.documentElement.classList.remove("print"); resizeAll(); });

// What was chosen has a map; its mean over a step has no curve.
function isChoice(figure) {
  const name = figure.dataset.chart.slice("measurements.".length);
  const chosen = report.runs.some(run => run.choices.some(map => map.row === name || map.column === name));
  if (chosen) charts.splice(charts.findIndex(made => made.figure === figure), 1);
  return chosen;
}
