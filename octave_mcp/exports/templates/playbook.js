"use strict";

const status = document.querySelector(".unseen[role=status]");

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

// The fallback where the page has no access to the clipboard.
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

// Buttons are hidden in the HTML: without scripts they would do nothing.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (await copy(button.dataset.copy)) copied(button);
    button.focus();
  });
}

// Where a link and a copy button hold the text of an e-mail. Other elements show it.
const attributes = { A: "href", BUTTON: "data-copy" };
const read = (element) => {
  const attribute = attributes[element.tagName];
  return attribute ? element.getAttribute(attribute) : element.textContent;
};
const write = (element, value) => {
  const attribute = attributes[element.tagName];
  if (attribute) element.setAttribute(attribute, value);
  else element.textContent = value;
};

const textWithNames = new Map();
for (const element of document.querySelectorAll("[data-merged]")) textWithNames.set(element, read(element));

const switches = document.querySelectorAll(".switch");
for (const button of switches) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const merges = button.getAttribute("aria-pressed") === "false";
    for (const [element, text] of textWithNames) write(element, merges ? element.dataset.merged : text);
    for (const other of switches) other.setAttribute("aria-pressed", merges);
    status.textContent = merges ? "Merge fields shown" : "Names shown";
  });
}

document.addEventListener("click", (event) => {
  const claim = event.target.closest(".claim");
  // A click that ends a selection of text must not open the quotation over it.
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

// One popover has the whole page, so the button that was clicked says which quotation to scroll to.
let selectedSource = "";
document.addEventListener("click", (event) => {
  selectedSource = event.target.closest("[data-source]")?.dataset.source ?? selectedSource;
});

for (const page of document.querySelectorAll(".source-page")) {
  page.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    for (const mark of page.querySelectorAll("mark")) {
      mark.classList.toggle("asked", mark.dataset.sources.split(" ").includes(selectedSource));
    }
    document.getElementById(`source-${selectedSource}`)?.scrollIntoView({ block: "center" });
  });
}

// Marks the section in the upper fifth of the window as the current one in the table of contents.
const sectionObserver = new IntersectionObserver(
  (entries) => {
    for (const entry of entries.filter((candidate) => candidate.isIntersecting)) {
      for (const link of document.querySelectorAll(".toc a")) {
        if (link.hash === `#${entry.target.id}`) link.setAttribute("aria-current", "location");
        else link.removeAttribute("aria-current");
      }
    }
  },
  { rootMargin: "-10% 0px -80% 0px" },
);
for (const section of document.querySelectorAll(".sections > section, #brief")) sectionObserver.observe(section);

// Closed details would be missing in print.
const openedForPrint = new Set();
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not([open])")) {
    openedForPrint.add(details);
    details.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const details of openedForPrint) details.open = false;
  openedForPrint.clear();
});
