"use strict";

// Rewards from first to last, runs at the same point, settings, warnings, environment.
function rewardTable() {
  const rows = [];
  report.runs.forEach((run, index) => {
    for (const { preview, evaluations } of drawn(run)) {
      const [first, last] = [evaluations[0], evaluations.at(-1)];
      if (!first) continue;
      for (const reward of run.rewards) {
        if (!(reward.name in last.rewards)) continue;
        const name = preview === null ? reward.name : `${reward.name}, preview ${preview}`;
        rows.push([several ? h("span", {}, runName(index)) : name, ...(several ? [name] : []), reward.heldOut ? "held out" : "trained",
          num(first.rewards[reward.name]), num(last.rewards[reward.name]), change(first.rewards[reward.name], last.rewards[reward.name]), num(last.step), num(last.images)]);
      }
    }
  });
  if (rows.length === 0) return empty("No evaluation yet.");
  const columns = [{ head: several ? "run" : "reward" }, ...(several ? [{ head: "reward" }] : []), { head: "role" }, { head: "first", n: true }, { head: "last", n: true }, { head: "change", n: true }, { head: "after step", n: true }, { head: "pictures", n: true }];
  return h("div", { class: "card", "data-table": "rewards" }, table("Mean of each reward over the pictures of an evaluation", columns, rows));
}

// A preview that is older than the evaluation beside it says its step.
function previewed(standing, preview, reward) {
  const drawn = standing.previews.find(one => one.name === preview);
  if (!drawn || !(reward in drawn.rewards)) return num(null);
  return drawn.step === standing.step ? num(drawn.rewards[reward]) : h("span", {}, num(drawn.rewards[reward]), ` (step ${drawn.step})`);
}

function comparison() {
  const { step, equalSteps, evaluations, equalEvaluations } = report.comparison;
  const at = (id, title, note, standings) => {
    const names = distinct(standings.flatMap(one => Object.keys(one.rewards)));
    const previews = distinct(standings.flatMap(one => one.previews.map(preview => preview.name)));
    const columns = [{ head: "run" }, ...names.map(name => ({ head: name, n: true })), ...previews.flatMap(preview => names.map(name => ({ head: `${name}, preview ${preview}`, n: true }))), { head: "step", n: true }, { head: "network evaluations", n: true }, { head: "seconds of training", n: true }];
    const rows = standings.map(one => [h("span", {}, runName(report.runs.findIndex(run => run.name === one.run))), ...names.map(name => num(one.rewards[name] ?? null)), ...previews.flatMap(preview => names.map(name => previewed(one, preview, name))), num(one.step), num(one.evaluations), num(one.seconds)]);
    return h("div", { class: "card", "data-table": id }, h("div", { class: "head" }, h("h3", {}, title)), table(note, columns, rows));
  };
  return [
    step === null ? empty("There is no step at which all runs were evaluated.") : at("equal-steps", "At equal steps", `The evaluation after step ${step}, the last that all runs have.`, equalSteps),
    evaluations === null ? null : at("equal-evaluations", "At equal network evaluations",
      `The last evaluation of each run within ${format(evaluations)} network evaluations of a sample, as many as the run that made fewest.`, equalEvaluations),
  ];
}

function differences() {
  if (!several) return null;
  const rows = report.comparison.differences.map(one => [h("code", {}, one.key), ...one.values.map(value => h("code", {}, value ?? "–"))]);
  return h("div", { class: "card long", "data-table": "differences" }, h("div", { class: "head" }, h("h3", {}, "What differs")),
    rows.length === 0 ? h("p", { class: "note" }, "Nothing.") : table("Settings that are not the same in all runs", [{ head: "key" }, ...report.runs.map(run => ({ head: run.name }))], rows, { whole: false, quiet: true }));
}

function settings() {
  const keys = distinct(report.runs.flatMap(run => run.settings.map(setting => setting.key)));
  const maps = report.runs.map(run => new Map(run.settings.map(setting => [setting.key, setting.value])));
  const rows = keys.map(key => [h("code", {}, key), ...maps.map(map => h("code", {}, map.get(key) ?? "–"))]);
  return h("div", { class: "card long", "data-table": "settings" }, several ? h("div", { class: "head" }, h("h3", {}, "All")) : null, table("plugins.resolved.json, every default filled in", [{ head: "key" }, ...report.runs.map(run => ({ head: several ? run.name : "value" }))], rows, { whole: false, quiet: true }));
}

function warnings() {
  const rows = report.runs.flatMap((run, index) => (run.record?.warnings ?? []).map(one =>
    [h("code", {}, one.code), ...(several ? [h("span", {}, runName(index))] : []), num(one.count), one.message, one.place ? h("code", {}, one.place) : "–"]));
  if (rows.length === 0) return empty(several ? "No run had a warning." : "None.");
  return h("div", { class: "card", "data-table": "warnings" }, table("Warnings by code and place, with the words of the first", [{ head: "code" }, ...(several ? [{ head: "run" }] : []), { head: "times", n: true }, { head: "message" }, { head: "place" }], rows, { quiet: true }));
}

const moment = text => `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;

function environment() {
  const known = report.runs.filter(run => run.record);
  if (known.length === 0) return empty("No run.json in the folder.");
  const facts = known.map(run => ({ started: moment(run.record.started), written: moment(run.record.updated), ...run.record.environment }));
  const rows = distinct(facts.flatMap(Object.keys)).map(name => [name, ...facts.map(fact => fact[name] ?? "–")]);
  return h("div", { class: "card", "data-table": "environment" }, table("Versions and machine", [{ head: "" }, ...known.map(run => ({ head: several ? run.name : "" }))], rows, { quiet: true }));
}
