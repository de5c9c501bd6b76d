"use strict";

// What the server tells, and the line that says how far the run is.
const words = { Waiting: "waiting for the run to begin", ...stateWords };
let state = null;
let heardAt = 0;
let pictures = "";
let series = null;
let source = null;
let over = false;

const say = (name, text) => {
  const place = document.querySelector(`[data-live=${name}]`);
  if (place.textContent !== text) place.textContent = text;
};

function link(text, look) {
  say("link", text);
  document.querySelector("[data-live=link]").className = look;
}

function tell(now) {
  state = now;
  heardAt = performance.now() - 1000 * (now.heardSeconds ?? 0);
  say("state", words[now.phase]);
  say("step", now.phase === "Waiting" ? "" : `step ${now.step} of ${now.steps}`);
  say("pace", now.secondsPerStep === null ? "" : `${format(now.secondsPerStep)} s a step`);
  say("left", now.secondsLeft === null ? "" : `${duration(Math.round(now.secondsLeft))} left`);
  document.title = now.name ? `${now.step}/${now.steps} · ${now.name} · LeapAlign` : "LeapAlign";
  sayHeard();
}

function sayHeard() {
  if (state === null || state.heardSeconds === null) return;
  say("heard", `last heard from ${duration(Math.max(0, Math.round((performance.now() - heardAt) / 1000)))} ago`);
}

function show(answer) {
  tell(answer.state);
  const { report: data } = answer;
  if (!data) {
    document.getElementById("main").replaceChildren(empty(answer.fault ?? "There is nothing to show yet."));
    return;
  }
  const same = answer.pictures === pictures;
  if (same) data.runs[0].pictures = series;
  [pictures, series] = [answer.pictures, data.runs[0].pictures];
  renew(data, same);
  say("foot", `Drawn by LeapAlign ${data.program.split("+")[0]} from the files of the run folder as they are now; report.html in it stays.`);
}

// One at a time; what changes meanwhile is asked for afterwards.
let asking = false;
let again = false;

async function ask() {
  again = asking;
  if (asking) return;
  asking = true;
  try {
    // That there is no answer, the stream of events says.
    const answer = await fetch(`data?pictures=${encodeURIComponent(pictures)}`).then(got => got.ok ? got.json() : null, () => null);
    if (answer && !over) show(answer);
  } finally {
    asking = false;
  }
  if (again) await ask();
}

function connect() {
  source = new EventSource("events");
  source.addEventListener("open", () => link("connected", ""));
  source.addEventListener("error", () => link("connection lost: the program has ended or cannot be reached", "lost"));
  source.addEventListener("changed", event => {
    tell(JSON.parse(event.data));
    ask();
  });
  source.addEventListener("end", event => {
    over = true;
    source.close();
    show(JSON.parse(event.data));
    link("the program has ended; this is what it left", "ended");
  });
}

// A page that nobody sees asks for nothing.
document.addEventListener("visibilitychange", () => {
  if (over) return;
  source.close();
  if (!document.hidden) connect();
});
setInterval(sayHeard, 1000);
connect();
