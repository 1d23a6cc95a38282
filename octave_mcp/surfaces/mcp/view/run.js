
const STATUSES = {
  queued: ["Queued", ""],
  running: ["In progress", ""],
  waiting: ["Waiting for answers", "fair"],
  completed: ["Ready", "good"],
  partial: ["Incomplete", "fair"],
  failed: ["Failed", "weak"],
  cancelled: ["Cancelled", "weak"],
};
const FINAL = ["completed", "partial", "failed", "cancelled"];
const STEPS = {
  validate_and_map: "checking both sites",
  scrape_homepage: "reading the home pages",
  analyse_homepage: "analysing the home pages",
  prioritise_urls: "choosing pages",
  read_pack: "reading pages",
  understand: "understanding the prospect",
  write_playbook: "writing the playbook",
  verify: "checking the claims",
};
const ASKS = {
  interest: "asks for interest",
  offer: "offers something",
  meeting: "asks for a meeting",
  goodbye: "says goodbye",
};
const VERDICTS = { partly: ["≈", "Partly supported"], not: ["≠", "Not supported"] };
const OUTLINE = "Outline: you or a model must write the final text";
// The pause between two looks at a run grows while nothing changes.
const MIN_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 20_000;
const MAX_FAILURES = 4;

const main = document.querySelector("main");
const announcement = document.querySelector("[role=status]");

// What the tool was called with, what is known about the run, and the sections of its playbook by name.
let asked = {};
let report = null;
const sections = {};
let isFolded = false;
let isStopped = false;

// Text from pages and models only ever becomes the text of a node, never markup.
const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return node;
};
const text = (value) => el("span", { dir: "auto" }, value);
const button = (label, onclick, attributes = {}) => el("button", { type: "button", class: "act", onclick, ...attributes }, label);
const bullets = (items) => el("ul", {}, items.map((item) => el("li", { dir: "auto" }, item)));

const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const inWords = (code) => capital(code.replaceAll("_", " ").replaceAll(".", ": "));

// "2026-11-02T09:12:40Z", "2026-11" and "2026" are dates. Everything else, such as "undated", stays as it is.
const DATE = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?/;
const dateOf = (value) => {
  const [, year, month, day] = DATE.exec(value ?? "") ?? [];
  return year && { at: new Date(Date.UTC(year, (month ?? 1) - 1, day ?? 1)), month, day };
};
const dateInWords = (value) => {
  const found = dateOf(value);
  if (!found) return value || "undated";
  const { at, month, day } = found;
  const shown = { year: "numeric", month: month && "long", day: day && "numeric", timeZone: "UTC" };
  return at.toLocaleDateString("en-GB", shown);
};
const daysSince = (value) => {
  const found = dateOf(value);
  return found ? (Date.now() - found.at) / 86_400_000 : 0;
};
const ageInWords = (value) => {
  const days = Math.floor(daysSince(value));
  if (!dateOf(value)?.day || days < 0) return "";
  const [number, unit] =
    days < 14 ? [days, "day"] : days < 61 ? [days / 7, "week"] : days < 730 ? [days / 30.44, "month"] : [days / 365.25, "year"];
  return new Intl.RelativeTimeFormat("en", { numeric: days ? "always" : "auto" }).format(-Math.round(number), unit);
};

const say = (words) => {
  if (announcement.textContent !== words) announcement.textContent = words;
};

// Copying. Sandboxed pages often have no access to the clipboard, but can copy a selection.
const copyBySelection = (value) => {
  const area = el("textarea", { class: "unseen", readonly: true });
  area.value = value;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
};
const copy = async (value, from) => {
  let done = true;
  try {
    await navigator.clipboard.writeText(value);
  } catch {
    done = copyBySelection(value);
  }
  const label = from.dataset.label ?? from.textContent;
  from.dataset.label = label;
  from.textContent = done ? "Copied" : "Not copied";
  from.classList.toggle("done", done);
  say(done ? "Copied" : "This client does not allow copying. Select the text instead.");
  from.focus();
  setTimeout(() => {
    from.textContent = label;
    from.classList.remove("done");
  }, 1600);
};
const copyButton = (label, value, attributes) => button(label, (event) => copy(value, event.currentTarget), attributes);

// Quotations.
const numbers = new Map();
const numberOf = (id) => {
  if (!numbers.has(id)) numbers.set(id, numbers.size + 1);
  return numbers.get(id);
};

const openPage = async (url, from) => {
  const refused = await bridge.request("ui/open-link", { url }).then((result) => result.isError, () => true);
  if (!refused) return;
  from.replaceWith(copyButton("Copy the address", url));
  say("This client did not open the page. You can copy its address.");
};

const quotation = (id) => {
  const found = sections.evidence?.[id];
  if (!found) return el("p", { class: "quiet" }, "This quotation could not be loaded.");
  const isWeb = /^https?:\/\//i.test(found.url);
  const published = found.published_on ? `published ${dateInWords(found.published_on)}` : "undated";
  const facts = [nameOf(found.role), inWords(found.page_kind), published, `read ${dateInWords(found.fetched_at)}`];
  return el(
    "figure",
    {},
    el("blockquote", { dir: "auto", lang: found.language }, found.quote),
    el(
      "figcaption",
      {},
      el("span", { class: "number" }, String(numberOf(id))),
      el(
        "div",
        {},
        el("b", { dir: "auto", lang: found.language }, found.page_title),
        el("span", { class: "address" }, found.url),
        el("span", {}, facts.filter(Boolean).join(" · ")),
        isWeb && bridge.can.openLinks && button("Open page", (event) => openPage(found.url, event.currentTarget)),
      ),
    ),
  );
};

let shown = null;
const closeQuotation = () => {
  if (!shown) return;
  shown.panel.remove();
  shown.ref.setAttribute("aria-expanded", "false");
  shown.ref.removeAttribute("aria-controls");
  shown.ref.closest(".claim").classList.remove("shown");
  shown = null;
};

// The quotation opens in the page, below the paragraph of its claim: the frame is as high as its content, so a popover
// could appear outside the visible part.
const toggleQuotation = async (ref, { evidence, support }) => {
  const wasOpen = shown?.ref === ref;
  closeQuotation();
  if (wasOpen) return;
  const panel = el("aside", { class: "quotation", id: "quotation", "aria-label": "Quotation" }, el("p", { class: "quiet" }, "Loading…"));
  ref.closest("p, dd, li").append(panel);
  ref.setAttribute("aria-expanded", "true");
  ref.setAttribute("aria-controls", "quotation");
  ref.closest(".claim").classList.add("shown");
  shown = { ref, panel };
  await load("evidence").catch(() => {});
  const [, verdict] = VERDICTS[support?.verdict] ?? [];
  const judged = verdict && el("p", { class: "verdict", dir: "auto" }, support.reason ? `${verdict}: ${support.reason}` : verdict);
  panel.replaceChildren(...[judged, ...evidence.map(quotation)].filter(Boolean));
  say(`Quotation: ${evidence.map((id) => sections.evidence?.[id]?.quote).join(" ")}`);
};

const claim = (sentence, { labels = true } = {}) => {
  const { evidence = [], support, kind = "fact" } = sentence;
  const [mark, verdict] = VERDICTS[support?.verdict] ?? [];
  const label = labels && { inference: "inference", question: "open question" }[kind];
  const ref =
    evidence.length > 0 &&
    el(
      "button",
      {
        type: "button",
        class: "ref",
        "aria-expanded": "false",
        "aria-label": `Show the quotation: source ${evidence.map(numberOf).join(", ")}`,
        onclick: (event) => toggleQuotation(event.currentTarget, sentence),
      },
      evidence.map(numberOf).join(", "),
    );
  return el(
    "span",
    { class: `claim ${kind}` },
    label && el("span", { class: "kind" }, label),
    label && " ",
    el("span", { class: "words", dir: "auto" }, sentence.text),
    mark && el("span", { class: "doubt", role: "img", "aria-label": verdict, title: verdict }, mark),
    ref,
  );
};
const claims = (sentences) => sentences.flatMap((sentence) => [claim(sentence), " "]);

// Sections of the playbook.
const merged = (before, after) => {
  if (Array.isArray(before) && Array.isArray(after)) return [...before, ...after];
  if (!before || !after || typeof before !== "object" || typeof after !== "object") return after;
  const both = { ...before };
  for (const [key, value] of Object.entries(after)) both[key] = key in both ? merged(both[key], value) : value;
  return both;
};

const loading = {};
const load = (name) => {
  if (name in sections) return Promise.resolve(sections[name]);
  loading[name] ??= readAll(name).finally(() => delete loading[name]);
  return loading[name];
};
const readAll = async (name) => {
  if (!bridge.can.serverTools) throw new Error("This client does not let the view read the playbook.");
  let whole = null;
  let cursor = null;
  do {
    const args = { run_id: report.run_id, section: name, wait_seconds: 0 };
    if (cursor) args.cursor = cursor;
    if (asked.version) args.version = asked.version;
    const piece = await call("get_run", args);
    whole = merged(whole, piece.section?.[name] ?? null);
    cursor = piece.cursor;
  } while (cursor);
  sections[name] = whole;
  return whole;
};

const hostname = (value) => value?.replace(/^https?:\/\//, "").replace(/^www\.|\/.*$/g, "") ?? "";
const nameOf = (role) => {
  const own = Object.values(sections.evidence ?? {}).filter((found) => found.role === role && !found.sister_of);
  const named = own.find((found) => found.label === "Site name")?.quote;
  return named || hostname(own[0]?.url ?? asked[`${role}_domain`]);
};

// The heading and the status of the run.
const heading = el("h1");
const status = el("span", { class: "chip" });
const header = el("header", { class: "top" }, heading, status);
const showHeader = () => {
  const [vendor, prospect] = ["vendor", "prospect"].map(nameOf);
  const arrow = el("span", { class: "arrow", "aria-label": "to" }, "→");
  heading.replaceChildren(...(vendor && prospect ? [text(vendor), " ", arrow, " ", text(prospect)] : ["Sales playbook"]));
  const [words, tone] = STATUSES[report?.status] ?? ["Starting", ""];
  status.textContent = words;
  status.className = `chip ${tone}`;
};

const message = el("p", { class: "message", dir: "auto" });
const fill = el("span");
const bar = el("div", { class: "bar", role: "progressbar", "aria-label": "Progress of the run" }, fill);
const figures = el("p", { class: "quiet" });
const advice = el("p", { class: "quiet" });
const progress = el("section", { class: "progress", "aria-label": "Progress" }, message, bar, figures, advice);

const estimateInWords = ({ asks, usd }) => {
  const price = usd === null ? "price unknown" : usd ? `about $${Math.max(usd, 0.01).toFixed(2)}` : "no model costs";
  return asks ? `estimate: ${asks} ${asks === 1 ? "question" : "questions"} to the model, ${price}` : price;
};
const showProgress = () => {
  const { status: now, step = "", message: words = "", done = 0, total = 0, estimate } = report ?? {};
  const isWaiting = now === "waiting";
  message.textContent = isWaiting
    ? "The assistant is answering questions about the pages."
    : now === "queued" && words === now
      ? "Waiting to start"
      : capital(words) || inWords(step) || "Starting to research both companies";
  if (total) bar.setAttribute("aria-valuemax", total);
  if (total) bar.setAttribute("aria-valuenow", done);
  bar.classList.toggle("unsure", !total);
  fill.style.inlineSize = total ? `${(100 * done) / total}%` : "";
  const parts = [step && `Step: ${STEPS[step] ?? step.replaceAll("_", " ")}`, total && `${done} of ${total} done`, estimate && estimateInWords(estimate)];
  figures.textContent = parts.filter(Boolean).join(" · ");
  advice.textContent = !bridge.can.serverTools && report
    ? "This client does not update the view. Ask the assistant how the run is doing."
    : isWaiting
      ? "The run goes on as soon as it has the answers. If nothing happens, ask the assistant to continue."
      : "The run continues in the background. You can go on with the conversation.";
  say(message.textContent);
  if (!progress.isConnected) main.replaceChildren(header, progress);
};

const showError = (title, reason, hint, retry) => {
  const problem = el("section", { class: "notice weak" }, el("h2", {}, title), el("p", { dir: "auto" }, reason), el("p", {}, hint), retry && button("Try again", retry));
  main.replaceChildren(header, problem);
  say(`${title}. ${reason}`);
};

// The brief.
const row = (title, aside, ...content) =>
  el("div", { class: "row" }, el("dt", {}, title, aside && el("span", { class: "aside" }, aside)), el("dd", {}, content));
const quoteOf = (sentence) => {
  const found = sections.evidence?.[sentence.evidence[0]];
  const isRepeated = found && found.quote.trim() === sentence.text.trim();
  return found && !isRepeated && el("blockquote", { dir: "auto", lang: found.language }, found.quote);
};
const pageOf = (sentence) => {
  const found = sections.evidence?.[sentence.evidence[0]];
  return found && el("span", { class: "aside" }, `${dateInWords(found.published_on)}, `, text(found.page_title));
};

const briefRows = (brief) => {
  const event = [dateInWords(brief.date), ageInWords(brief.date)].filter(Boolean).join(", ");
  const isOld = daysSince(brief.date) > 365;
  const who = brief.person
    ? [el("strong", { dir: "auto" }, brief.person), ", ", text(brief.title)]
    : [el("strong", { dir: "auto" }, brief.title), " ", el("span", { class: "aside" }, "no name found")];
  return [
    row("Whom to call", "", ...who),
    brief.why_now && row(isOld ? "Last event" : "Why now", event, claim(brief.why_now), quoteOf(brief.why_now)),
    brief.means && row("What it means", "", claim(brief.means)),
    brief.first_line && el("div", { class: "row spoken" }, el("dt", {}, "Say first"), el("dd", { dir: "auto" }, brief.first_line)),
    brief.proof && row("Proof", "", claim(brief.proof), pageOf(brief.proof)),
    brief.question && el("div", { class: "row spoken" }, el("dt", {}, "Question"), el("dd", { dir: "auto" }, brief.question)),
  ];
};
const briefOf = (brief) =>
  el(
    "section",
    { class: "brief", "aria-label": "Brief" },
    brief.vendor_does && el("p", { class: "does" }, claim(brief.vendor_does)),
    el("dl", {}, briefRows(brief)),
    brief.warnings?.length > 0 && el("div", { class: "notice fair" }, el("h3", {}, "Check first"), bullets(brief.warnings)),
  );

// Playbooks of early releases have no brief. A client that gives no access to the tools passes only the summary.
const summaryOf = (summary) => {
  const rows = { "Whom to call": summary.whom_to_approach, "Why now": summary.why_now, "How to engage": summary.how_to_engage };
  const filled = Object.entries(rows).filter(([, sentences]) => sentences?.length);
  return el("section", { class: "brief", "aria-label": "Brief" }, el("dl", {}, filled.map(([title, sentences]) => row(title, "", claims(sentences)))));
};
const shortOf = (overview) =>
  el(
    "section",
    { class: "brief", "aria-label": "Brief" },
    (overview?.summary ?? "").split("\n\n").map((paragraph) => el("p", { dir: "auto" }, paragraph)),
    el("p", { class: "quiet" }, "Ask the assistant for the e-mails and the quotations: this client does not let the view read them."),
  );

// E-mails.
const bodyOf = (touch) => {
  const waiting = [...touch.sentences];
  const paragraphs = touch.body.split(/\n{2,}/).map((paragraph) => {
    const node = el("p", { dir: "auto" });
    let at = 0;
    for (const sentence of [...waiting]) {
      const start = paragraph.indexOf(sentence.text, at);
      if (start < 0) continue;
      waiting.splice(waiting.indexOf(sentence), 1);
      node.append(paragraph.slice(at, start), claim(sentence, { labels: false }));
      at = start + sentence.text.length;
    }
    node.append(paragraph.slice(at));
    return node;
  });
  return { paragraphs, others: waiting.filter((sentence) => sentence.evidence.length) };
};
const block = (title, ...content) => el("div", { class: "block" }, el("h5", {}, title), content);
const notesOf = (touch, others) => {
  const { second_opening: opening, make_first: draft, personalisation: notes, score } = touch;
  const words = opening?.map((sentence) => sentence.text).join(" ");
  return [
    words && block("Alternative opening, without a date", el("p", {}, claims(opening)), copyButton("Copy opening", words)),
    draft && block("Make this first", el("p", { class: "made", dir: "auto" }, draft), copyButton("Copy draft", draft)),
    notes?.length > 0 && block("Notes for you", bullets(notes)),
    others.length > 0 && block("Also based on", el("ul", {}, others.map((sentence) => el("li", {}, claim(sentence))))),
    score?.warnings?.length > 0 && block("Before you use this", bullets(score.warnings)),
  ].filter(Boolean);
};
const mailOf = (touch, isOpen) => {
  const isOutline = touch.kind === "outline";
  const { paragraphs, others } = isOutline ? { paragraphs: [], others: [] } : bodyOf(touch);
  const notes = notesOf(touch, others);
  const whole = isOutline ? `${OUTLINE}\n\n${touch.body}` : `Subject: ${touch.subject}\n\n${touch.body}`;
  const label = isOutline ? "Copy outline" : "Copy e-mail";
  return el(
    "details",
    { class: `mail ${touch.kind}`, open: isOpen },
    el(
      "summary",
      {},
      el("span", { class: "day" }, `Day ${touch.day}`),
      el("b", { dir: "auto" }, touch.subject),
      isOutline && el("span", { class: "chip fair" }, "outline"),
    ),
    el(
      "div",
      { class: "tools" },
      el("span", { class: "quiet" }, [ASKS[touch.call_to_action.label], touch.score && `${touch.score.points}/100`].filter(Boolean).join(" · ")),
      copyButton(label, whole, { class: "act first", "aria-label": `${label}: ${touch.subject}` }),
    ),
    el(
      "div",
      { class: "body" },
      isOutline ? el("ul", {}, touch.sentences.map((sentence) => el("li", {}, claim(sentence)))) : paragraphs,
    ),
    notes.length > 0 && el("footer", {}, notes),
  );
};

// Tabs, as the ARIA Authoring Practices describe them: arrow keys move between the tabs, Tab leaves them.
const tabsOf = (label, entries) => {
  const select = (chosen) => {
    for (const [index, tab] of tabs.entries()) {
      tab.setAttribute("aria-selected", index === chosen);
      tab.tabIndex = index === chosen ? 0 : -1;
      panels[index].hidden = index !== chosen;
    }
  };
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const edge = { Home: 0, End: tabs.length - 1 }[event.key];
    if (step === undefined && edge === undefined) return;
    event.preventDefault();
    const chosen = edge ?? (tabs.indexOf(event.currentTarget) + step + tabs.length) % tabs.length;
    select(chosen);
    tabs[chosen].focus();
  };
  const tabs = entries.map(([title], index) =>
    el("button", { type: "button", role: "tab", id: `tab-${index}`, "aria-controls": `panel-${index}`, onclick: () => select(index), onkeydown: move, dir: "auto" }, title),
  );
  const panels = entries.map(([, content], index) =>
    el("div", { role: "tabpanel", id: `panel-${index}`, "aria-labelledby": `tab-${index}` }, content),
  );
  select(0);
  return [el("div", { role: "tablist", "aria-label": label, class: "tabs" }, tabs), ...panels];
};

const emailsOf = (sequences, personas) => {
  const entries = sequences.map((sequence, index) => {
    const rank = Number(/^persona-(\d+)$/.exec(sequence.persona_id)?.[1] ?? index + 1);
    const mails = sequence.touches.map((touch, at) => mailOf(touch, at === 0));
    return [personas[rank - 1] ?? inWords(sequence.persona_id), mails];
  });
  const empty = el("p", { class: "quiet" }, "This playbook has no e-mails. The gaps below say why.");
  return el("section", { class: "emails", "aria-labelledby": "emails" }, el("h2", { id: "emails" }, "E-mails"), entries.length ? tabsOf("Personas", entries) : empty);
};

// What else the report says about the run.
const coded = (line) => {
  const [code, ...rest] = line.split(": ");
  return [el("b", {}, inWords(code)), `: ${rest.join(": ")}`];
};
const aboutOf = ({ run_id: id, overview, files = [] }) => {
  const { gaps = [], flags = [], usd, seconds, counts = {} } = overview ?? {};
  const cost = usd ? `$${usd.toFixed(2)}` : usd === 0 ? "no model costs" : "price unknown";
  const facts = [counts.pages && `${counts.pages} pages read`, counts.evidence && `${counts.evidence} quotations`, seconds && `${Math.round(seconds)} s`, cost];
  const list = (title, lines) => lines.length > 0 && block(title, el("ul", {}, lines.map((line) => el("li", { dir: "auto" }, coded(line)))));
  return el(
    "details",
    { class: "about" },
    el("summary", {}, "About this playbook", gaps.length > 0 && el("span", { class: "chip fair" }, `${gaps.length} ${gaps.length === 1 ? "gap" : "gaps"}`)),
    el("p", { class: "quiet" }, facts.filter(Boolean).join(" · ")),
    list("Gaps", gaps),
    list("Notes on this run", flags),
    files.length > 0 && block("Files", el("ul", {}, files.map((file) => el("li", { class: "address" }, file)))),
    el("p", { class: "quiet" }, "The playbook also has personas, call scripts, battle cards and more. Ask the assistant for them, and name the run: ", el("span", { class: "address" }, id)),
  );
};

const firstPart = async () => {
  const brief = await load("brief");
  return brief ? () => briefOf(brief) : load("executive_summary").then((summary) => () => summaryOf(summary ?? {}));
};

const showPlaybook = async () => {
  isFolded = false;
  const outline = report.overview?.outline;
  const notice = outline && el("p", { class: "notice fair", dir: "auto" }, outline);
  const about = aboutOf(report);
  if (!bridge.can.serverTools && !sections.brief) {
    main.replaceChildren(...[header, notice, shortOf(report.overview), about].filter(Boolean));
    return;
  }
  const rest = el("p", { class: "quiet" }, "Loading the playbook…");
  main.replaceChildren(...[header, rest].filter(Boolean));
  try {
    const render = await firstPart();
    let first = render();
    main.replaceChildren(...[header, notice, first, rest].filter(Boolean));
    rest.textContent = "Loading the e-mails…";
    say("The playbook is ready.");
    const [sequences] = await Promise.all([load("email_sequences"), load("evidence").catch(() => {})]);
    closeQuotation();
    first.replaceWith((first = render()));
    rest.replaceWith(emailsOf(sequences ?? [], report.overview?.personas ?? []), about);
    showHeader();
  } catch (failed) {
    rest.replaceWith(el("div", { class: "notice weak" }, el("p", { dir: "auto" }, failed.message), button("Try again", showPlaybook)));
  }
};

const showFolded = () => {
  main.replaceChildren(el("header", { class: "top" }, heading, status, button("Show the playbook", expand)));
};
// The report on a part of a playbook has no overview.
const expand = async () => {
  if (!report.overview && bridge.can.serverTools) {
    report = await call("get_run", { run_id: report.run_id, wait_seconds: 0 }).catch(() => report);
  }
  await showPlaybook();
};

const show = () => {
  showHeader();
  if (!report || !FINAL.includes(report.status)) return showProgress();
  if (report.version) return isFolded ? showFolded() : showPlaybook();
  if (report.status === "cancelled") {
    return showError("The run was cancelled", "It has no playbook.", "To get one, ask the assistant to start the run again.");
  }
  const { code = "", message: reason = "The reason is not known." } = report.error ?? {};
  return showError("The run failed", reason, `When this is fixed, ask the assistant to start the run again.${code && ` Error code: ${code}.`}`);
};

// Following the run.
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const becomesVisible = () =>
  document.hidden && new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));

// `generate_playbook` returns only after a while. Until then, the list of sessions names the run that it has started.
const findRun = async () => {
  const { session_id: session, vendor_domain: vendor, prospect_domain: prospect } = asked;
  const { sessions, runs } = await call("list_sessions", session ? { session_id: session, limit: 5 } : { limit: 5 });
  const latest = session ? runs : sessions.map((entry) => entry.latest).filter(Boolean);
  return latest.find((run) => run.vendor === vendor && run.prospect === prospect && !FINAL.includes(run.status));
};
const look = async () => {
  if (report) return call("get_run", { run_id: report.run_id, wait_seconds: 0 });
  const run = asked.vendor_domain && (await findRun());
  return run ? call("get_run", { run_id: run.run_id, wait_seconds: 0 }) : null;
};

let isFollowing = false;
const follow = async () => {
  if (isFollowing || !bridge.can.serverTools) return;
  isFollowing = true;
  let wait = MIN_PAUSE_MS;
  let failures = 0;
  while (!isStopped && !FINAL.includes(report?.status)) {
    await pause(wait);
    await becomesVisible();
    if (isStopped || FINAL.includes(report?.status)) break;
    try {
      const before = JSON.stringify(report);
      const found = await look();
      failures = 0;
      // The call's own result can arrive during the look, and is newer.
      if (isStopped || FINAL.includes(report?.status)) break;
      report = found ?? report;
      wait = JSON.stringify(report) === before ? Math.min(wait * 1.25, MAX_PAUSE_MS) : MIN_PAUSE_MS;
      show();
    } catch (failed) {
      failures += 1;
      wait = Math.min(wait * 2, MAX_PAUSE_MS);
      if (failures >= MAX_FAILURES && report) {
        isFollowing = false;
        return showError("Progress cannot be shown", failed.message, "The run itself is not affected.", () => {
          follow();
          showProgress();
        });
      }
    }
  }
  isFollowing = false;
};

const received = (result) => {
  let found;
  try {
    found = contentOf(result);
  } catch (failed) {
    isStopped = true;
    const [, code, reason] = /^\[(\w+)\] ([^]*)$/.exec(failed.message) ?? ["", "", failed.message];
    showHeader();
    status.textContent = "Error";
    return showError(asked.run_id ? "The run cannot be shown" : "The run was not started", reason, code && `Error code: ${code}.`);
  }
  // The view can have seen the end of the run before the call returned.
  if (report?.run_id === found.run_id && FINAL.includes(report.status)) return;
  report = found;
  // A call that only looked at the progress or read a part gets one line. Otherwise, a conversation with several calls
  // would repeat the playbook.
  const isPart = Boolean(report.markdown || report.section);
  isFolded = Boolean(asked.run_id) && (isPart || !FINAL.includes(report.status));
  if (!report.cursor && !asked.persona && !asked.cursor) Object.assign(sections, report.section);
  show();
  follow();
};

const useContext = ({ theme, safeAreaInsets: insets }) => {
  if (theme) document.documentElement.dataset.theme = theme;
  if (insets) document.body.style.padding = `${insets.top}px ${insets.right}px ${insets.bottom}px ${insets.left}px`;
};

bridge.on["ui/notifications/tool-input"] = ({ arguments: args }) => {
  asked = args ?? {};
  show();
  follow();
};
bridge.on["ui/notifications/tool-result"] = received;
bridge.on["ui/notifications/tool-cancelled"] = () => {
  if (report) return;
  isStopped = true;
  showHeader();
  showError("The call was cancelled", "If a run has started, it continues.", "Ask the assistant for the status of the run.");
};
bridge.on["ui/notifications/host-context-changed"] = useContext;
bridge.on["ui/resource-teardown"] = () => {
  isStopped = true;
};

document.addEventListener("click", (event) => {
  const found = event.target.closest(".words")?.parentElement.querySelector(".ref");
  // A click that ends a selection of text must not open the quotation.
  if (found && !String(getSelection())) found.click();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !shown) return;
  const { ref } = shown;
  closeQuotation();
  ref.focus();
});

// The client makes the frame as high as this page.
let height = 0;
const reportHeight = () => {
  const now = Math.ceil(document.documentElement.getBoundingClientRect().height);
  if (now !== height) bridge.notify("ui/notifications/size-changed", { height: (height = now) });
};

bridge.connect({ availableDisplayModes: ["inline", "fullscreen"] }).then(() => {
  useContext(bridge.context);
  bridge.notify("ui/notifications/initialized");
  new ResizeObserver(reportHeight).observe(document.documentElement);
  if (!report) show();
});
