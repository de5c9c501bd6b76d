"use strict";

// Shows other numbers on a page that is open.
function renew(data, samePictures) {
  const before = new Map(charts.splice(0).map(made => [made.id, made]));
  take(data);
  for (const [id, nodes] of Object.entries(build())) {
    const place = document.getElementById(id);
    const galleries = nodes.filter(hasPictures).map(gallery => [document.getElementById(gallery.id), gallery]).filter(([shown]) => shown);
    morphChildren(place, nodes);
    if (!samePictures) for (const [shown, gallery] of galleries) renewPictures(shown, gallery);
  }
  charts.forEach((made, index) => {
    const old = before.get(made.id);
    if (!old?.figure.isConnected) return drawAnew(made);
    [charts[index], old.series, old.title] = [old, made.series, made.title];
    renewChart(old);
  });
}

function drawAnew(made) {
  made.looks = looks(made);
  draw(made);
}

// How the lines of a chart look, apart from their numbers.
const looks = made => JSON.stringify(made.series.map(({ points, values, ...rest }) => ({ ...rest, marks: rest.marks ?? values.length < 3 })));

function renewChart(made) {
  const data = join(made);
  const { plot, place } = made;
  if (looks(made) !== made.looks) {
    drawAnew(made);
  } else {
    const [xs, { min, max }] = [plot.data[0], plot.scales.x];
    const zoomed = xs.length > 1 && (min > xs[0] || max < xs.at(-1));
    place.setAttribute("aria-label", describe(made, data));
    plot.setData(data, !zoomed);
    if (zoomed) plot.redraw();
    if ((plot.cursor.idx ?? null) === null) showLast(plot);
  }
  const numbers = made.figure.querySelector("details .scroll");
  if (!numbers) return;
  const fresh = h("details", { open: true });
  fillTable(made, fresh);
  morph(numbers, fresh.firstChild);
}

// The step that was chosen stays; who looks at the newest pictures goes on to newer ones.
function renewPictures(old, now) {
  const sliders = [...now.querySelectorAll(".slider input")].map(is => {
    const was = old.querySelector(`#${is.id}`);
    return { is, chosen: was && was.value !== was.max ? stepOf(was) : Infinity, focused: was !== null && document.activeElement === was };
  });
  old.replaceWith(now);
  for (const { is, chosen, focused } of sliders) {
    const move = value => {
      is.value = value;
      is.dispatchEvent(new Event("input"));
    };
    move(is.max);
    while (stepOf(is) > chosen && is.value !== "0") move(Number(is.value) - 1);
    if (focused) is.focus({ preventScroll: true });
  }
}

const stepOf = slider => Number(slider.parentNode.querySelector("output").textContent.replace("step ", ""));
