"use strict";

// The same captions and noise over the run: before, and at the step of a slider.
function pictureSection(seriesOf = run => run.pictures, id = "step") {
  const shown = report.runs.map((run, index) => ({ run, index, series: seriesOf(run) })).filter(one => one.series?.steps.length > 0);
  if (shown.length === 0) return [empty("No pictures: the run has no evaluation yet, or evaluation.samples is 0.")];
  const steps = distinct(shown.flatMap(one => one.series.steps)).sort((left, right) => left - right);
  const captions = distinct(shown.flatMap(one => one.series.pictures[0].map(picture => picture.caption)));
  const input = h("input", { type: "range", id, min: 0, max: steps.length - 1, step: 1, value: steps.length - 1, list: `${id}s`, "aria-describedby": `${id}-hint` });
  const output = h("output", { for: id });
  const gallery = h("div", { class: "gallery", style: `--least:${several ? 9 + 6 * shown.length : 17}rem` });
  const cells = captions.map(caption => pictureCell(caption, shown));
  gallery.append(...cells.map(one => one.figure));
  const show = () => {
    const step = steps[Number(input.value)];
    output.textContent = `step ${step}`;
    input.setAttribute("aria-valuetext", `step ${step}`);
    for (const one of cells) one.show(step);
  };
  input.addEventListener("input", show);
  show();
  const most = Math.max(...shown.map(one => one.series.captions));
  const left = most > captions.length ? ` The first ${captions.length} of ${most} captions.` : "";
  return [
    h("div", { class: "slider" }, h("label", { for: id }, "Evaluation after"), input, output, h("datalist", { id: `${id}s` }, steps.map((_, place) => h("option", { value: place })))),
    h("p", { class: "note", id: `${id}-hint`, style: "margin-bottom:.9rem" }, `Each caption from the same noise, with averaged weights; arrow keys move the slider.${left}`),
    gallery,
  ];
}

// Each preview: how it draws, and its pictures.
function previewCards() {
  const names = distinct(report.runs.flatMap(run => run.previews.map(preview => preview.name)));
  return names.map((name, place) => {
    const forms = distinct(report.runs.flatMap(run => run.previews.filter(preview => preview.name === name)
      .map(one => `${one.size}, ${one.samplingSteps} steps, guidance ${format(one.guidance)}, ${format(one.networkEvaluations)} network evaluations a picture`)));
    return h("div", { class: "card long", "data-preview": name }, h("div", { class: "head" }, h("h3", {}, name), h("p", { class: "note" }, forms.join("; "))),
      pictureSection(run => run.pictures.previews.find(series => series.preview === name), `preview-${place}`));
  });
}

function pictureCell(caption, shown) {
  const before = shown[0];
  const slots = shown.map(({ run, index, series }) => ({ index, series, name: run.name, image: picture(), words: h("span", {}) }));
  const first = find(before.series, before.series.steps[0], caption);
  const scores = h("ul", {});
  const opening = picture();
  put(opening, first, caption, `step ${before.series.steps[0]}`);
  const figure = h("figure", {},
    h("div", { class: "pictures" },
      h("div", {}, opening.place, h("span", {}, `step ${before.series.steps[0]}`)),
      slots.map(slot => h("div", {}, slot.image.place, slot.words))),
    h("figcaption", {}, caption, scores));
  const show = step => {
    scores.replaceChildren();
    for (const slot of slots) {
      const at = slot.series.steps.filter(one => one <= step).at(-1) ?? slot.series.steps[0];
      const found = find(slot.series, at, caption);
      put(slot.image, found, caption, `${several ? `${slot.name}, ` : ""}step ${at}`);
      slot.words.replaceChildren(...(several ? [swatch(colour(slot.index)), `${slot.name}, step ${at}`] : [`step ${at}`]));
      if (!found) continue;
      const rewards = Object.entries(found.rewards);
      if (several) scores.append(h("li", {}, swatch(colour(slot.index)), rewards.map(([name, value], place) => [place > 0 ? " · " : "", `${name} `, num(value)])));
      else scores.append(...rewards.map(([name, value]) => h("li", {}, `${name} `, num(value), " ", change(first.rewards[name], value))));
    }
  };
  return { figure, show };
}

const find = (series, step, caption) => series.pictures[series.steps.indexOf(step)].find(picture => picture.caption === caption);

function picture() {
  return { place: h("div", { class: "gone" }) };
}

function put(image, found, caption, when) {
  if (!found?.source) {
    const gone = h("div", { class: "gone", role: "img", "aria-label": `no picture of ${caption}, ${when}` });
    image.place.replaceWith(gone);
    image.place = gone;
    return;
  }
  if (image.place.tagName !== "IMG") {
    const made = h("img", { decoding: "async" });
    // Few pixels are shown as they are; a smooth enlargement would look like a better picture.
    made.addEventListener("load", () => made.classList.toggle("small", made.naturalWidth <= 128));
    image.place.replaceWith(made);
    image.place = made;
  }
  image.place.alt = `${caption}, ${when}`;
  image.place.src = found.source;
}
