"use strict";

const status = document.querySelector("[role=status]");

const copied = (button) => {
  const label = button.textContent;
  button.textContent = "Copied";
  button.disabled = true;
  status.textContent = "Copied";
  setTimeout(() => {
    button.textContent = label;
    button.disabled = false;
    status.textContent = "";
  }, 1600);
};

const copyBySelection = (text) => {
  const area = document.createElement("textarea");
  area.className = "offstage";
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
};

const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
};

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (await copy(button.dataset.copy)) copied(button);
    button.focus();
  });
}

const place = { A: "href", BUTTON: "data-copy" };
const shown = (element) => (place[element.tagName] ? element.getAttribute(place[element.tagName]) : element.textContent);
const show = (element, value) => {
  if (place[element.tagName]) element.setAttribute(place[element.tagName], value);
  else element.textContent = value;
};

const named = new Map();
for (const element of document.querySelectorAll("[data-merged]")) named.set(element, shown(element));

const switches = document.querySelectorAll(".switch");
for (const button of switches) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const merges = button.getAttribute("aria-pressed") === "false";
    for (const [element, name] of named) show(element, merges ? element.dataset.merged : name);
    for (const one of switches) one.setAttribute("aria-pressed", merges);
    status.textContent = merges ? "Merge fields shown" : "Names shown";
  });
}

document.addEventListener("click", (event) => {
  const claim = event.target.closest(".claim");
  if (!claim || event.target.closest("a, button") || String(getSelection())) return;
  claim.querySelector(".ref")?.click();
});

for (const evidence of document.querySelectorAll(".evidence")) {
  evidence.addEventListener("toggle", (event) => {
    const open = event.newState === "open";
    for (const ref of document.querySelectorAll(`[popovertarget="${evidence.id}"].ref`)) {
      ref.closest(".claim")?.classList.toggle("shown", open);
    }
  });
}

let asked = "";
document.addEventListener("click", (event) => {
  asked = event.target.closest("[data-source]")?.dataset.source ?? asked;
});

for (const page of document.querySelectorAll(".source-page")) {
  page.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    for (const mark of page.querySelectorAll("mark")) {
      mark.classList.toggle("asked", mark.dataset.sources.split(" ").includes(asked));
    }
    document.getElementById(`source-${asked}`)?.scrollIntoView({ block: "center" });
  });
}

const seen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      for (const link of document.querySelectorAll(".toc a")) {
        if (link.hash === `#${entry.target.id}`) link.setAttribute("aria-current", "location");
        else link.removeAttribute("aria-current");
      }
    }
  },
  { rootMargin: "-10% 0px -80% 0px" },
);
for (const section of document.querySelectorAll(".sections > section, #brief")) seen.observe(section);

const unfolded = new Set();
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open])")) {
    unfolded.add(fold);
    fold.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const fold of unfolded) fold.open = false;
  unfolded.clear();
});
