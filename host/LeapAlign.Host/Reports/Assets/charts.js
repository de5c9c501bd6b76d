"use strict";

// Line charts by uPlot: drawn with the colours of the style sheet, moved through with the keyboard, and each with a table of the same numbers.
const charts = [];
const axes = {
  step: { label: "step", of: points => points.step },
  evaluations: { label: "network evaluations of a sample", of: points => points.evaluations },
  seconds: { label: "seconds of training", of: points => points.seconds },
};
let axis = "step";
const dashes = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The last value at or before an index: runs that are laid over each other were not measured at the same places.
function lastBefore(values, index) {
  for (let place = index ?? values.length - 1; place >= 0; place--) if (values[place] !== null && values[place] !== undefined) return values[place];
  return null;
}

const finite = value => value !== null && Number.isFinite(value) ? value : null;

// series: { label, points, values, colour, dash, faint, marks }
function chart(id, title, note, series) {
  const place = h("div", { class: "plot", tabindex: 0, role: "img" });
  const said = h("p", { class: "quiet", "aria-live": "polite" });
  const details = h("details", {}, h("summary", {}, "Numbers"));
  const figure = h("figure", { class: "card", "data-chart": id }, h("div", { class: "head" }, h("h3", {}, title), note ? h("p", { class: "note" }, note) : null), place, said, details);
  const made = { id, figure, place, series, plot: null, title };
  details.addEventListener("toggle", () => fillTable(made, details));
  place.addEventListener("keydown", event => walk(made, event, said));
  charts.push(made);
  return figure;
}

function join(made) {
  const tables = made.series.map(one => {
    const x = axes[axis].of(one.points);
    return [x, one.values.map(toNumber).map(finite)];
  });
  return tables.length === 1 ? tables[0] : uPlot.join(tables);
}

function draw(made) {
  made.plot?.destroy();
  const data = join(made);
  made.place.setAttribute("aria-label", describe(made, data));
  const options = {
    width: Math.max(200, made.place.clientWidth),
    height: 240,
    cursor: { y: false, points: { size: 7 }, drag: { x: true, y: false } },
    scales: { x: { time: false } },
    legend: { live: true, markers: { width: 0, fill: (_, index) => index === 0 ? "transparent" : `var(${made.series[index - 1].colour})` } },
    axes: [axisStyle({ size: 34, values: (_, ticks) => ticks.map(tick => tick >= 1e4 ? tick.toLocaleString("en-US", { notation: "compact" }) : format(tick)) }), axisStyle({ size: widest, values: (_, ticks) => ticks.map(short) })],
    series: [{ label: axes[axis].label, value: (_, value) => format(value) }, ...made.series.map(line)],
    hooks: { setCursor: [plot => { if (plot.cursor.idx === null || plot.cursor.idx === undefined) showLast(plot); }] },
  };
  made.plot = new uPlot(options, data, made.place);
  made.figure.plot = made.plot;
  showLast(made.plot);
}

const showLast = plot => { if (plot.data[0].length > 0) plot.setLegend({ idx: plot.data[0].length - 1 }, false); };

const short = tick => Math.abs(tick) >= 1e5 || (tick !== 0 && Math.abs(tick) < 1e-3) ? tick.toExponential(0).replace("-", "\u2212") : String(Math.round(tick * 1e9) / 1e9).replace("-", "\u2212");

function widest(plot, values) {
  const longest = (values ?? []).reduce((most, value) => Math.max(most, value.length), 3);
  return 14 + 7 * longest;
}

function axisStyle(more) {
  return { stroke: () => css("--soft"), font: "12px " + css("--sans"), grid: { stroke: () => css("--grid"), width: 1 }, ticks: { stroke: () => css("--line"), size: 4, width: 1 }, ...more };
}

function line(one) {
  return {
    label: one.label,
    stroke: () => one.faint ? fade(css(one.colour)) : css(one.colour),
    width: one.faint ? 1 : 2,
    dash: dashes[one.dash % dashes.length],
    spanGaps: true,
    points: { show: one.marks ?? one.values.length < 3, size: 6, fill: () => css(one.colour), stroke: () => css(one.colour) },
    value: (plot, value, index, place) => format(value ?? lastBefore(plot.data[index], place)),
  };
}

// #rrggbb with some of its strength.
const fade = hex => hex + "80";

function describe(made, data) {
  const parts = made.series.map((one, index) => {
    const values = data[index + 1].filter(value => value !== null && value !== undefined);
    if (values.length === 0) return `${one.label}: nothing measured`;
    return `${one.label}: ${values.length} points, first ${format(values[0])}, last ${format(values.at(-1))}, least ${format(values.reduce((a, b) => Math.min(a, b)))}, largest ${format(values.reduce((a, b) => Math.max(a, b)))}`;
  });
  return `${made.title} over ${axes[axis].label}. ${parts.join(". ")}. Arrow keys move along the curve; the numbers follow as a table.`;
}

function walk(made, event, said) {
  const data = made.plot.data;
  const last = data[0].length - 1;
  const now = made.plot.cursor.idx ?? last;
  const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last, PageUp: now - 10, PageDown: now + 10 }[event.key];
  if (next === undefined || last < 0) return;
  event.preventDefault();
  const index = Math.min(last, Math.max(0, next));
  made.plot.setCursor({ left: made.plot.valToPos(data[0][index], "x"), top: 0 });
  said.textContent = `${axes[axis].label} ${format(data[0][index])}: ` + made.series.map((one, place) => `${one.label} ${format(lastBefore(data[place + 1], index))}`).join(", ");
}

function fillTable(made, details) {
  details.querySelector(".scroll")?.remove();
  if (!details.open) return;
  const data = join(made);
  const columns = [{ head: axes[axis].label, n: true }, ...made.series.map(one => ({ head: one.label, n: true }))];
  const rows = Array.from(data[0], (x, index) => [num(x), ...made.series.map((_, place) => num(data[place + 1][index] ?? null))]);
  details.append(table(`${made.title}, every point`, columns, rows, { whole: false, quiet: true }));
}

function drawAll() {
  for (const made of charts) {
    draw(made);
    const details = made.figure.querySelector("details");
    if (details.open) fillTable(made, details);
  }
}

function resizeAll() {
  for (const made of charts) if (made.plot && made.place.clientWidth > 0) made.plot.setSize({ width: made.place.clientWidth, height: 240 });
}
