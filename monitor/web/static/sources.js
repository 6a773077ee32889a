// Follows a source, and pauses, polls and changes one. What is shown of it comes from the server,
// as the page itself: this script moves the fresh parts over and makes no markup.
"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const API = "/api/v1/sources";
  const pathOf = (name) => `${API}/${encodeURIComponent(name)}`;

  // Returns what was answered, and in words what is wrong, "" where nothing is.
  async function ask(path, method, body) {
    const headers = { "Content-Type": "application/json" };
    try {
      const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
      const given = await answer.json();
      return answer.ok ? { given, wrong: "" } : { given, wrong: given.detail };
    } catch {
      return { wrong: "The server did not answer: try again." };
    }
  }

  function tell(told, text, state) {
    told.textContent = text;
    told.dataset.state = state;
  }

  // --- Forms ---

  const inputs = (form) => [...form.elements].filter((each) => each.name);
  const wrongOf = (form, name) => find(`${form.id}-${name}-wrong`);

  function clear(form) {
    tell(form.querySelector("[role=status]"), "", "");
    for (const input of inputs(form)) {
      input.removeAttribute("aria-invalid");
      wrongOf(form, input.name).textContent = "";
    }
  }

  // What is wrong stands beside the field that it is about, which gets the focus.
  function refuse(form, wrong) {
    const about = (name) => new RegExp(`^(the |an? )?${name}\\b|\\bthis ${name}\\b`).test(wrong);
    const input = inputs(form).find((each) => about(each.name));
    if (!input) return tell(form.querySelector("[role=status]"), wrong, "bad");
    wrongOf(form, input.name).textContent = wrong;
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  function given(form) {
    const body = {};
    for (const { name, value } of inputs(form)) body[name] = value.trim() || null;
    if (body.url && !body.url.includes("://")) body.url = `https://${body.url}`;
    return body;
  }

  function edit(form) {
    const known = form.dataset.source;
    let isBusy = false;
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (isBusy) return;
      isBusy = true;
      clear(form);
      const answer = await (known ? ask(pathOf(known), "PATCH", given(form)) : ask(API, "POST", given(form)));
      isBusy = false;
      if (answer.wrong) return refuse(form, answer.wrong);
      if (!known) return location.assign(`/sources/${encodeURIComponent(answer.given.name)}`);
      tell(form.querySelector("[role=status]"), "Saved.", "good");
      refresh();
    });
  }

  // --- One source ---

  const lastPoll = () => find("state").dataset.polled;

  function refresh() {
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.responseType = "document";
      request.onload = () => {
        if (request.status === 200) takeOver(request.response);
        done();
      };
      request.onerror = done;
      request.open("GET", location.href);
      request.send();
    });
  }

  function takeOver(fresh) {
    document.title = fresh.title;
    for (const part of document.querySelectorAll("[data-fresh]")) {
      const its = fresh.getElementById(part.id);
      // Where somebody is, nothing moves away under the hands.
      if (its && !part.contains(document.activeElement)) part.replaceWith(document.importNode(its, true));
    }
  }

  // Its articles come a little after the poll that found them.
  async function watch(before, isWanted) {
    for (let round = 0, after = 0; round < 60 && after < 6 && isWanted(); round += 1) {
      await pause(1000);
      await refresh();
      if (lastPoll() !== before) after += 1;
    }
    return lastPoll() !== before;
  }

  function control(section) {
    const told = section.querySelector("[role=status]");
    const poll = section.querySelector("[data-poll]");
    const toggle = section.querySelector("[data-toggle]");
    const path = pathOf(section.dataset.control);
    let asked = 0; // only what was asked for last is told and waited for

    async function waitFor(before, text) {
      const mine = (asked += 1);
      tell(told, text, "");
      const late = "Not polled yet: its host is asked again later, or nothing polls at the moment.";
      const isThere = await watch(before, () => mine === asked);
      if (mine === asked) tell(told, isThere ? "" : late, "");
    }

    function show(isPaused) {
      section.dataset.paused = isPaused ? "yes" : "";
      poll.hidden = isPaused;
      if (toggle) toggle.textContent = isPaused ? "Resume" : "Pause";
    }

    section.hidden = false;
    show(Boolean(section.dataset.paused));
    poll.addEventListener("click", async () => {
      const before = lastPoll();
      const { wrong } = await ask(`${path}/poll-soon`, "POST");
      if (wrong) return tell(told, wrong, "bad");
      waitFor(before, "It is polled as soon as its host may be asked.");
    });
    toggle?.addEventListener("click", async () => {
      const { given: source, wrong } = await ask(path, "PATCH", { enabled: Boolean(section.dataset.paused) });
      if (wrong) return tell(told, wrong, "bad");
      asked += 1;
      show(!source.enabled);
      tell(told, source.enabled ? "Resumed." : "Paused: it is polled no more.", "good");
      refresh();
    });
    if (!lastPoll() && !section.dataset.paused) waitFor("", "Its first poll is on its way.");
  }

  for (const form of document.querySelectorAll("form[data-source]")) edit(form);
  for (const section of document.querySelectorAll("[data-control]")) control(section);
})();
