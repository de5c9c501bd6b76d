"use strict";

// What is shown; everything draws this alone.
let report = null;
let several = false;

function take(data) {
  report = data;
  several = data.runs.length > 1;
}

// An element with attributes and children; null children are left out.
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "style") element.style.cssText = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

// JSON has no word for what is not finite; metrics.jsonl writes it as text.
const toNumber = value => value === null || value === undefined ? null : Number(value);

function format(value) {
  const number = toNumber(value);
  if (number === null) return "–";
  if (!Number.isFinite(number)) return String(number);
  const size = Math.abs(number);
  let text;
  if (size === 0) text = "0";
  else if (Number.isInteger(number) && size < 1e9) text = number.toLocaleString("en-US").replaceAll(",", "\u2009");
  else if (size >= 1e6 || size < 1e-3) text = number.toExponential(2);
  else if (size >= 1000) text = Math.round(number).toLocaleString("en-US").replaceAll(",", "\u2009");
  else text = number.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4);
  return text.replace("-", "\u2212").replace("e-", "e\u2212");
}

// A number to read, which carries the number that was measured.
const num = value => h("data", { value: value === null || value === undefined ? "" : String(value), title: value === null || value === undefined ? null : String(value) }, format(value));

function change(from, to) {
  const difference = toNumber(to) - toNumber(from);
  const sign = difference > 0 ? "+" : "";
  const text = Math.abs(difference) < 1 ? difference.toFixed(4).replace("-", "\u2212") : format(difference);
  return h("span", { class: difference > 0 ? "up" : difference < 0 ? "down" : null }, h("data", { value: String(difference), title: String(difference) }, sign + text));
}

function duration(seconds) {
  if (seconds < 120) return `${format(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const percent = part => `${(100 * part).toFixed(1)} %`;

const cell = (value, tag = "td") => typeof value === "object" && value !== null && value.nodeType ? h(tag, {}, value) : h(tag, {}, String(value ?? "–"));

// Columns: { head, n } where n marks numbers; rows: lists of cells, the first of which names the row.
function table(caption, columns, rows, { whole = true, quiet = false } = {}) {
  const body = rows.map(row => h("tr", {}, row.map((value, place) => {
    const made = cell(value, place === 0 ? "th" : "td");
    if (place === 0) made.scope = "row";
    if (columns[place].n) made.className = "n";
    return made;
  })));
  // A head without words would be an empty line, and an empty heading to a screen reader.
  const head = columns.some(column => column.head !== "") ? h("thead", {}, h("tr", {}, columns.map(column => column.head === "" ? h("td", {}) : h("th", { scope: "col", class: column.n ? "n" : null }, column.head)))) : null;
  return h("div", { class: whole ? "scroll whole" : "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", {}, h("caption", { class: quiet ? "quiet" : null }, caption), ...(head ? [head] : []), h("tbody", {}, body)));
}

const colour = index => `--c${index % 8}`;
const swatch = name => h("i", { class: "swatch", style: `background:var(${name})`, "aria-hidden": "true" });
const runName = index => [swatch(colour(index)), report.runs[index].name];
const distinct = values => [...new Set(values)];
const empty = text => h("p", { class: "empty" }, text);
