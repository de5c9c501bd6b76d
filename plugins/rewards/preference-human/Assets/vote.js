"use strict";
(() => {
  const at = id => document.getElementById(id);
  const pause = milliseconds => new Promise(done => setTimeout(done, milliseconds));
  const [asks, retries] = [1000, 3000];
  const voter = who();
  let shown = null;
  let busy = true;
  let turn = 0;

  // One person for each browser: a pair that needs several votes is not his twice.
  function who() {
    const fresh = Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, "0")).join("");
    try {
      const known = localStorage.getItem("voter");
      if (/^[0-9a-f]{32}$/.test(known ?? "")) return known;
      localStorage.setItem("voter", fresh);
    } catch {
      // A browser that keeps nothing is a new person with each visit.
    }
    return fresh;
  }

  async function post(path, fields) {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ voter, ...fields }) });
    const said = await answer.json().catch(() => ({}));
    return { status: answer.status, said };
  }

  function say(text) {
    at("state").textContent = text;
    at("state").hidden = false;
    at("question").hidden = true;
    at("bar").hidden = true;
  }

  function complain(text) {
    at("error").textContent = text ?? "";
    at("error").hidden = !text;
  }

  function enable(on) {
    busy = !on;
    for (const id of ["left", "right", "neither", "undo"]) at(id).disabled = !on;
  }

  async function show(offer) {
    const { done, of, group } = offer;
    at("undo").hidden = !offer.undo;
    if (of > 0) {
      at("progress").textContent = `${done} of ${of} pairs of group ${group}`;
      [at("bar").max, at("bar").value, at("bar").hidden] = [of, done, false];
      document.title = `${done} of ${of} · Votes · LeapAlign`;
    } else {
      at("progress").textContent = "nothing to vote on";
      document.title = "Votes · LeapAlign";
    }
    if (!offer.pair) {
      shown = null;
      say(of > 0 ? "Others are voting on the pairs that are left. This page goes on by itself." : "The run asks nothing now: it is drawing or training. This page goes on by itself.");
      at("bar").hidden = of === 0;
      enable(true);
      return;
    }
    if (shown !== offer.pair) {
      at("caption").textContent = offer.caption;
      for (const side of ["left", "right"]) {
        at(`${side}-picture`).src = offer[side];
        at(`${side}-picture`).alt = `The ${side} picture of: ${offer.caption}`;
      }
      await Promise.all(["left", "right"].map(side => at(`${side}-picture`).decode().catch(() => null)));
      shown = offer.pair;
      at("state").hidden = true;
      at("question").hidden = false;
      // Space is for the tie, and not for the button that was pressed last.
      at("caption").focus({ preventScroll: true });
    }
    enable(true);
  }

  // What an earlier question is answered after a later one was asked says nothing any more.
  async function next() {
    const mine = ++turn;
    try {
      const { status, said } = await post("next", { has: shown ?? "" });
      if (mine !== turn) return true;
      if (status !== 200) throw new Error(said.error);
      await show(said);
      return true;
    } catch {
      if (mine !== turn) return false;
      shown = null;
      at("undo").hidden = true;
      at("progress").textContent = "not connected";
      document.title = "Ended · Votes · LeapAlign";
      say("The run does not answer: it has ended or was stopped. This address was its own; a run that goes on prints another.");
      return false;
    }
  }

  async function act(path, fields) {
    if (busy) return;
    enable(false);
    complain(null);
    turn++;
    try {
      const { status, said } = await post(path, fields);
      // Too late, or voted on by somebody else: the next pair says enough.
      if (status !== 200 && status !== 404 && status !== 409) complain(said.error ?? `The run answered ${status}.`);
    } catch {
      // The next question tells whether the run is there.
    }
    await next();
  }

  const vote = prefers => shown && act("vote", { pair: shown, prefers });
  for (const side of ["left", "right", "neither"]) at(side).addEventListener("click", () => vote(side));
  at("undo").addEventListener("click", () => act("undo", {}));
  document.addEventListener("keydown", event => {
    if (event.repeat || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === " " && event.target instanceof HTMLButtonElement) return;
    const chosen = { ArrowLeft: "left", ArrowRight: "right", " ": "neither" }[event.key];
    if (chosen && shown) {
      event.preventDefault();
      vote(chosen);
    } else if ((event.key === "u" || event.key === "Backspace") && !at("undo").hidden) {
      event.preventDefault();
      act("undo", {});
    }
  });

  (async () => {
    for (let there = await next(); ; ) {
      await pause(there ? asks : retries);
      // A pair that is looked at goes when somebody else has voted on it; one that is being voted on is asked for behind the vote.
      if (!busy || !shown) there = await next();
    }
  })();
})();
