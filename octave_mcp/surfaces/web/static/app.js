"use strict";

{
  const forms = [...document.querySelectorAll("form[method=post]")];
  for (const form of forms) {
    form.addEventListener("input", () => {
      form.dataset.changed = "yes";
    });
    form.addEventListener("submit", (event) => {
      const isOtherChanged = forms.some((other) => other !== form && other.dataset.changed);
      // A second click on a button that starts something would start it twice.
      if (form.dataset.sent || (isOtherChanged && !confirm("You have unsent text in the other form. Discard it?"))) {
        event.preventDefault();
      } else {
        form.dataset.sent = "yes";
        // The person can stop the loading of the next page, and then this page must work again.
        setTimeout(() => delete form.dataset.sent, 5_000);
      }
    });
  }
  // The browser restores the page as it was when the user goes back to it.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // Without scripts, moments are in UTC.
  const clock = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
  for (const moment of document.querySelectorAll("time.moment")) {
    moment.title = moment.textContent;
    moment.textContent = clock.format(new Date(moment.dateTime));
  }

  // The sender is the same for most playbooks, so this browser keeps what was entered for the last one.
  for (const field of document.querySelectorAll("input[name^=sender_]")) {
    field.value ||= stored(field.name);
    field.form.addEventListener("submit", () => store(field.name, field.value));
  }
  for (const form of document.querySelectorAll("form[action='/sign-out']")) {
    // Over plain HTTP, browsers ignore the header Clear-Site-Data.
    form.addEventListener("submit", (event) => event.defaultPrevented || clear());
  }
  const senderName = document.querySelector("#sender_name");
  if (senderName?.value) senderName.closest("details").querySelector("summary .quiet").textContent = senderName.value;

  // Without scripts, the page reloads itself by a meta element.
  const waiting = document.querySelector("[data-reload]");
  if (waiting) {
    setInterval(() => {
      const isInUse = document.querySelector("details[open]") || document.activeElement?.matches("input, textarea, select");
      // Do not use reload(), which would send a form again.
      if (!isInUse && !document.hidden) location.replace(location.pathname + location.search);
    }, waiting.dataset.reload * 1000);
  }

  // A browser can refuse to store anything.
  function stored(name) {
    try {
      return localStorage.getItem(name) ?? "";
    } catch {
      return "";
    }
  }

  function store(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {}
  }

  function clear() {
    try {
      localStorage.clear();
    } catch {}
  }

  const live = document.querySelector("[data-events]");
  if (live) follow(live);

  function follow(view) {
    const bar = view.querySelector("progress");
    const message = view.querySelector(".message");
    const figures = Object.fromEntries([...view.querySelectorAll("[data-figure]")].map((cell) => [cell.dataset.figure, cell]));
    const steps = Object.fromEntries([...view.querySelectorAll("[data-step]")].map((item) => [item.dataset.step, item]));
    view.querySelector(".figures").hidden = false;
    const found = view.querySelector(".found-so-far");
    const order = Object.keys(steps);
    const tally = { pages: 0, asks: 0, usd: 0, isPriceUnknown: false };
    let share = 0;
    let reached = -1;

    // The stream starts with the events of the past, so a page that is loaded in the middle shows everything.
    const stream = new EventSource(view.dataset.events);
    const names = ["run_started", "run_resumed", "run_finished", "step_started", "step_finished", "progress", "waiting", "answered", "call_failed", "fetched", "found"];
    for (const name of names) stream.addEventListener(name, (event) => take(name, JSON.parse(event.data)));
    // After the last event the server answers 204, and the browser closes the stream.
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) location.reload();
    });

    function take(name, event) {
      if (name === "run_finished") {
        stream.close();
        location.reload();
        return;
      }
      if (name === "waiting" && !view.querySelector(".asks")) {
        const link = document.createElement("a");
        link.className = "button primary";
        link.href = `${location.pathname}/questions`;
        link.textContent = "Answer the questions";
        const line = document.createElement("p");
        line.className = "buttons asks";
        line.append(link);
        message.after(line);
      }
      if (name === "run_started" || name === "run_resumed") status("running", "");
      // A client that is connected can answer, too, and then the run goes on.
      if (["step_started", "step_finished", "progress", "fetched"].includes(name)) {
        status("running", "");
        view.querySelector(".asks")?.remove();
      }
      if (name === "waiting") status("waiting", "fair");
      if (name === "found") show(event.message);
      else if (name === "waiting") message.textContent = "Waiting for answers to the open questions.";
      else if (event.message && name !== "answered") message.textContent = sentence(event.message);
      // The total can grow, but a bar that goes back would look like lost work.
      if (event.total && name !== "waiting") {
        bar.max = 1;
        bar.value = share = Math.max(share, event.done / event.total);
      }
      count(name, event);
      mark(event.step);
    }

    function count(name, event) {
      if (event.fetch) tally.pages += event.fetch.pages;
      if (event.call && name === "answered") {
        tally.asks += 1;
        if (event.call.usd === null) tally.isPriceUnknown = true;
        else tally.usd += event.call.usd ?? 0;
      }
      figures.pages.textContent = tally.pages;
      figures.asks.textContent = tally.asks;
      figures.usd.textContent = tally.isPriceUnknown ? "unknown" : `$${tally.usd.toFixed(2)}`;
    }

    // Two companies are read at the same time, so events of an earlier step can follow those of a later one.
    function mark(step) {
      reached = Math.max(reached, order.indexOf(step));
      order.forEach((name, place) => {
        steps[name].classList.toggle("finished", place < reached);
        steps[name].classList.toggle("active", place === reached);
        if (place === reached) steps[name].setAttribute("aria-current", "step");
        else steps[name].removeAttribute("aria-current");
      });
    }

    function status(word, kind) {
      const chip = document.querySelector("[data-status] .chip");
      chip.textContent = word;
      chip.className = `chip ${kind}`;
    }

    function show(text) {
      found.hidden = false;
      const item = document.createElement("li");
      item.textContent = text;
      item.dir = "auto";
      found.querySelector("ul").prepend(item);
    }
  }

  function sentence(text) {
    // Addresses and other names for machines keep their small letters.
    const start = /^[\p{L}\p{N}_]+([./_][\p{L}\p{N}_]|:\/\/)/u.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
    return /[.!?]$/.test(start) ? start : `${start}.`;
  }
}
