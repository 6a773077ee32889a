// Shows what is new the moment it is stored. All text goes in through textContent, so that no
// article can bring markup along; the row is a copy of the page's own <template>.
"use strict";
(() => {
  const page = document.body.dataset;
  const find = (id) => document.getElementById(id);
  const MOST_ROWS = 300;
  const title = document.title;
  let unseen = 0; // arrived while the tab was hidden
  let above = 0; // arrived while the reader was further down

  // Times -----------------------------------------------------------------------------------

  const UTC = { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" };
  const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const written = (when, parts) => new Intl.DateTimeFormat("en-GB", { ...UTC, ...parts }).format(when);
  const stamp = (when) => `${written(when, { ...CLOCK, second: "2-digit" })} UTC`;

  function relative(when) {
    const seconds = (Date.now() - when.getTime()) / 1000;
    let size = Math.abs(seconds);
    if (size < 60) return seconds >= 0 ? "just now" : "in less than a minute";
    let unit = "s";
    for (const [step, name] of [[60, "min"], [60, "h"], [24, "d"]]) {
      if (size < step) break;
      size /= step;
      unit = name;
    }
    if (unit === "d" && size >= 7) return written(when, {});
    return seconds >= 0 ? `${Math.floor(size)} ${unit} ago` : `in ${Math.floor(size)} ${unit}`;
  }

  function timeOf(iso, isRelative) {
    const when = new Date(iso);
    const time = document.createElement("time");
    time.dateTime = iso;
    time.title = stamp(when);
    const midnight = when.getTime() % 86400000 === 0;
    const exact = midnight ? written(when, {}) : `${written(when, CLOCK)} UTC`;
    time.textContent = isRelative ? relative(when) : exact;
    if (isRelative) time.dataset.relative = "";
    return time;
  }

  function refreshTimes() {
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const text = relative(new Date(time.dateTime));
      if (time.textContent !== text) time.textContent = text;
    }
  }

  // Rows ------------------------------------------------------------------------------------

  const called = new Map(); // kind/id -> the name of what a filter of many does not offer

  function putName(element, kind, id) {
    const field = find(kind);
    const offered = [...(field.options ?? field.list.options)];
    const option = offered.find((each) => each.value === id);
    element.textContent = option?.textContent ?? id;
    if (option || field.options) return; // a list of all: what is not in it has no other name
    const path = `/api/v1/${kind}s/${encodeURIComponent(id)}`;
    if (called.size > 1000) called.clear();
    if (!called.has(path)) called.set(path, askName(path));
    called.get(path).then((text) => text && (element.textContent = text));
  }

  async function askName(path) {
    try {
      const answer = await fetch(path);
      const { title, name } = answer.ok ? await answer.json() : {};
      return title || name;
    } catch {
      return ""; // it is shown by its id, then
    }
  }

  function show(row, slot, text) {
    const element = row.querySelector(`[data-slot=${slot}]`);
    element.hidden = !text;
    return element;
  }

  function fill(row, article) {
    row.dataset.id = article.id;
    row.dataset.seq = article.seq;
    const link = row.querySelector("[data-slot=title]");
    link.textContent = article.title || "Without a headline";
    link.href = `/articles/${encodeURIComponent(article.id)}`;
    row.querySelector("[data-slot=when]").replaceChildren(timeOf(article.stored, true));
    putName(row.querySelector("[data-slot=source]"), "source", article.source);
    show(row, "published", article.published)
      .replaceChildren(...(article.published ? [timeOf(article.published, false)] : []));
    show(row, "place", article.place).textContent = article.place;
    show(row, "copies", article.copies).textContent =
      `${article.copies} ${article.copies === 1 ? "copy" : "copies"}`;
    show(row, "revised", article.revision > 1);
    show(row, "replayed", article.replayed);
    mark(row, article.alerted);
    const chips = row.querySelector(".chips");
    chips.hidden = article.topics.length === 0;
    chips.replaceChildren(...article.topics.map(chip));
  }

  function chip(topic) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.className = "chip";
    link.href = `/?${new URLSearchParams({ topic })}`;
    putName(link, "topic", topic);
    item.append(link);
    return item;
  }

  const alerted = new Map(); // article id -> rules, of alerts that were faster than their article
  const rules = new Map(); // rule id -> what it is called

  function mark(row, ids) {
    const known = [...new Set([...ids, ...(alerted.get(row.dataset.id) ?? [])])];
    show(row, "alerted", known.length);
    const names = known.map((id) => rules.get(id) ?? id);
    row.dataset.rules = JSON.stringify(Object.fromEntries(known.map((id, place) => [id, names[place]])));
    row.querySelector("[data-slot=rules]").textContent = names.join(", ");
    row.classList.toggle("alerted", known.length > 0);
    for (const id of known) if (!rules.has(id)) askRule(id);
  }

  const rulesOf = (row) => JSON.parse(row.dataset.rules ?? "{}");

  function learn(row) {
    for (const [id, name] of Object.entries(rulesOf(row))) rules.set(id, name);
  }

  // An article that was alerted long ago may come again, under rules of which nothing was heard.
  async function askRule(id) {
    rules.set(id, id);
    try {
      const answer = await fetch(`/api/v1/alerts?${new URLSearchParams({ rule: id, limit: 1 })}`);
      const [alert] = answer.ok ? (await answer.json()).items : [];
      rules.set(id, alert?.rule_name || id);
    } catch {
      return; // it is shown by its id, then
    }
    for (const row of find("rows").children) {
      const ids = Object.keys(rulesOf(row));
      if (ids.includes(id)) mark(row, ids);
    }
  }

  const wanted = (article) =>
    (!page.topic || article.topics.includes(page.topic)) &&
    (!page.source || article.source === page.source);

  const shownRow = (id) => find("rows").querySelector(`[data-id="${CSS.escape(id)}"]`);

  function enter(row) {
    row.classList.add("new");
    find("rows").prepend(row);
    return true;
  }

  function place(article) {
    const shown = shownRow(article.id);
    if (shown) {
      if (Number(shown.dataset.seq) < article.seq) {
        const order = shown.dataset.seq; // it keeps its place, so the next page begins there
        fill(shown, article);
        shown.dataset.order = shown.dataset.order ?? order;
      }
      return false;
    }
    const row = find("row").content.firstElementChild.cloneNode(true);
    fill(row, article);
    return enter(row);
  }

  function placeFound(row) {
    learn(row);
    const shown = shownRow(row.dataset.id);
    if (!shown) return enter(row);
    if (Number(shown.dataset.seq) < Number(row.dataset.seq)) {
      row.dataset.order = shown.dataset.order ?? shown.dataset.seq;
      shown.replaceWith(row);
    }
    return false;
  }

  function trim() {
    const rows = find("rows").children;
    if (rows.length <= MOST_ROWS) return;
    while (rows.length > MOST_ROWS) rows[rows.length - 1].remove();
    const last = rows[rows.length - 1].dataset;
    const next = new URL(location.href);
    next.searchParams.set("before", last.order ?? last.seq);
    let older = find("older");
    if (!older) {
      older = Object.assign(document.createElement("a"), { id: "older", rel: "next" });
      older.className = "button";
      older.textContent = "Older articles";
      document.querySelector(".pages").append(older);
    }
    older.href = next.pathname + next.search;
  }

  // What arrives ----------------------------------------------------------------------------

  let waiting = [];

  function arrived(article) {
    if (waiting.push(article) === 1) setTimeout(flush, 30); // a burst is one change of the page
  }

  function flush() {
    const batch = waiting;
    waiting = [];
    // Only as many as the page keeps: after a long sleep of the machine there may be a thousand.
    entered(batch.filter(wanted).slice(-MOST_ROWS).filter(place).length);
  }

  function entered(added) {
    if (!added) return;
    trim();
    find("empty").hidden = true;
    tell(added, "article");
  }

  function tell(added, noun) {
    const many = (count) => `${count} new ${noun}${count === 1 ? "" : "s"}`;
    find("announce").textContent = many(added);
    if (document.hidden) document.title = `(${(unseen += added)}) ${title}`;
    if (noun === "alert" || scrollY > 200) {
      above += added;
      find("pill").textContent = noun === "alert" ? `Show ${many(above)}` : `${many(above)} ↑`;
      find("pill").hidden = false;
    }
  }

  function ruleMet(id, rule, name) {
    rules.set(rule, name || rule);
    alerted.set(id, [...(alerted.get(id) ?? []), rule]);
    if (alerted.size > 1000) alerted.delete(alerted.keys().next().value);
    const row = shownRow(id);
    if (row) mark(row, Object.keys(rulesOf(row)));
  }

  // Searching is the server's business: what arrives only says that it is time to ask again. What
  // it answers is this page. It is never markup in a string here, which the policy forbids: the
  // browser reads it into a document in which nothing runs, and its rows are moved over.
  let asking = 0;

  function askAgain() {
    if (asking) return;
    asking = setTimeout(() => {
      asking = 0;
      const request = new XMLHttpRequest();
      request.responseType = "document";
      request.onload = () => request.status === 200 && takeOver(request.response);
      request.onerror = () => console.warn("The search could not be repeated");
      request.open("GET", location.href);
      request.send();
    }, 300);
  }

  function takeOver(fresh) {
    const told = fresh.getElementById("found");
    if (!told) return; // the query does not hold any more: a topic or list that it used is gone
    const rows = [...fresh.querySelectorAll("#rows > li")].map((row) => document.importNode(row, true));
    entered(rows.reverse().filter(placeFound).length);
    find("found").replaceWith(document.importNode(told, true));
  }

  // The stream ------------------------------------------------------------------------------

  let position = page.position;

  function state(name, text) {
    const live = find("live");
    live.hidden = false;
    if (live.dataset.state === name) return;
    live.dataset.state = name;
    find("live-text").textContent = text;
  }

  function listen(onArticle, onAlert, onAlerted = () => {}) {
    const source = new EventSource(`/api/v1/stream?${new URLSearchParams({ after: position })}`);
    const on = (kind, handle) =>
      source.addEventListener(kind, (event) => {
        position = event.lastEventId || position;
        handle(JSON.parse(event.data));
      });
    on("article", onArticle);
    on("alert", onAlert);
    on("alerted", onAlerted);
    on("gap", () => location.reload());
    source.onopen = () => state("on", "Live");
    source.onerror = () => {
      state("wait", "Reconnecting");
      // The browser connects again by itself, except after an answer like 503 or 400.
      if (source.readyState === EventSource.CLOSED) {
        setTimeout(() => listen(onArticle, onAlert, onAlerted), 2000);
      }
    };
    addEventListener("pagehide", () => source.close(), { once: true });
  }

  // The page --------------------------------------------------------------------------------

  function seen() {
    if (!document.hidden) {
      unseen = 0;
      document.title = title;
      refreshTimes();
    }
  }

  // --- A topic that is added, changed or removed ---

  function editTopic(form) {
    const told = form.querySelector("[role=status]");
    const query = form.elements.query;
    const headers = { "Content-Type": "application/json" };
    const ask = (url, method, body) => fetch(url, { method, headers, body: body && JSON.stringify(body) });
    const given = () => ({ query: query.value, stem: form.elements.stem.value });

    async function refused(answer) {
      const problem = await answer.json();
      told.textContent = problem.detail;
      told.dataset.state = "bad";
    }

    async function check() {
      const answer = await ask("/api/v1/topics/check", "POST", given());
      if (!answer.ok) return refused(answer);
      const { valid, mistakes, surprises } = await answer.json();
      const sentences = (valid ? surprises : mistakes).map((each) => each.sentence);
      const odd = sentences.length ? ["This query holds, and may surprise:"] : ["This query holds."];
      told.textContent = [...(valid ? odd : []), ...sentences].join("\n");
      told.dataset.state = valid ? "good" : "bad";
      if (valid) return;
      const lines = query.value.split("\n").slice(0, mistakes[0].line - 1);
      const at = lines.reduce((sum, line) => sum + line.length + 1, 0) + mistakes[0].column - 1;
      query.focus();
      query.setSelectionRange(at, at + 1);
    }

    async function save(event) {
      event.preventDefault();
      const { id, name, description, priority } = form.elements;
      const fields = { ...given(), name: name.value, description: description.value, priority: priority.value };
      const known = form.dataset.topic;
      const answer = known
        ? await ask(`/api/v1/topics/${encodeURIComponent(known)}`, "PATCH", { ...fields, version: Number(form.dataset.version) })
        : await ask("/api/v1/topics", "POST", { ...fields, id: id.value });
      if (!answer.ok) return refused(answer);
      const topic = await answer.json();
      location.assign(`/topics/${encodeURIComponent(topic.id)}`);
    }

    form.hidden = false;
    form.addEventListener("submit", save);
    form.querySelector("[data-check]").addEventListener("click", check);
  }

  // Nothing is removed at one click: a dialog asks, and its first button keeps what there is.
  function offerRemoval(section) {
    const dialog = section.querySelector("dialog");
    section.hidden = false;
    section.querySelector("[data-ask]").addEventListener("click", () => {
      dialog.returnValue = "keep"; // what Escape leaves
      dialog.showModal();
    });
    dialog.addEventListener("close", async () => {
      if (dialog.returnValue !== "remove") return;
      const answer = await fetch(section.dataset.remove, { method: "DELETE" });
      if (answer.ok) return location.assign(section.dataset.then);
      const told = section.querySelector("[role=status]");
      told.textContent = (await answer.json()).detail;
      told.dataset.state = "bad";
    });
  }

  // --- An article that is wrong for a topic ---

  function pressed(button, marked) {
    button.setAttribute("aria-pressed", String(marked));
    button.textContent = marked ? "Marked as wrong" : "Not on this topic";
  }

  async function toggleWrong(button) {
    const marked = button.getAttribute("aria-pressed") === "true";
    button.disabled = true;
    try {
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch(button.dataset.wrong, { method: marked ? "DELETE" : "PUT", headers });
      if (!answer.ok) throw new Error(answer.status);
      pressed(button, !marked);
    } catch {
      button.textContent = "Not saved: try again";
    }
    button.disabled = false;
  }

  setInterval(refreshTimes, 15000);
  document.addEventListener("visibilitychange", seen);
  // A page from the back-forward cache has lost its stream.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  if (page.retry) setTimeout(() => location.reload(), Number(page.retry) * 1000);

  for (const form of document.querySelectorAll("form[data-topic]")) editTopic(form);
  for (const section of document.querySelectorAll("[data-remove]")) offerRemoval(section);

  // Empty fields stay out of the address.
  find("filters")?.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
  });
  for (const field of document.querySelectorAll("#filters select, #filters [list]")) {
    field.addEventListener("change", () => find("filters").requestSubmit());
  }

  if (page.page === "articles") {
    find("pill").addEventListener("click", () => scrollTo({ top: 0, behavior: "smooth" }));
    addEventListener("scroll", () => {
      if (scrollY < 200) {
        above = 0;
        find("pill").hidden = true;
      }
    }, { passive: true });
    const marked = ({ article, rule, rule_name }) => ruleMet(article, rule, rule_name);
    const streamed = ({ article, rule, rule_name }) => ruleMet(article.id, rule, rule_name);
    for (const row of find("rows").children) learn(row);
    if (position) listen(page.q ? askAgain : arrived, streamed, marked);
  } else if (page.page === "alerts") {
    find("pill").addEventListener("click", () => location.assign(location.pathname + location.search));
    const isMeant = ({ rule, topics }) =>
      (!page.rule || rule === page.rule) && (!page.topic || topics.includes(page.topic));
    if (position) listen(() => {}, (alert) => isMeant(alert) && tell(1, "alert"));
  } else if (page.page === "article") {
    for (const button of document.querySelectorAll("[data-wrong]")) {
      pressed(button, button.getAttribute("aria-pressed") === "true");
      button.hidden = false;
      button.addEventListener("click", () => toggleWrong(button));
    }
  }
})();
