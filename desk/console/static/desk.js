// The console without a build step. Every form works without this file; it adds keys, search in selects and live numbers.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// ---- keys: A, C, J, 1-3, / ; never while somebody types
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (event.key === "Escape" && typing) return void event.target.blur();
  if (typing) return;
  if (event.key === "/") {
    event.preventDefault();
    return void $("#find")?.focus();
  }
  const target = $(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (target) {
    event.preventDefault();
    target.click();
  }
});

// ---- forms: sent once; some ask first; filters send themselves
for (const form of $$("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.confirm;
    if ((question && !window.confirm(question)) || form.dataset.sent) return void event.preventDefault();
    form.dataset.sent = "1";
    document.body.classList.add("sending");
  });
}
window.addEventListener("pageshow", () => {
  // the browser's way back shows the page as it was left
  document.body.classList.remove("sending");
  for (const form of $$("form[data-sent]")) delete form.dataset.sent;
});
for (const form of $$("form[data-autosend]")) {
  form.addEventListener("change", (event) => event.target.matches("select, [type=checkbox]") && form.requestSubmit());
}

// ---- what a choice will say to the resident
for (const said of $$("[data-says]")) {
  const select = document.getElementById(said.dataset.says);
  const tell = () => void (said.textContent = select.selectedOptions[0]?.dataset.say ?? "");
  select.addEventListener("change", tell);
  tell();
}

// ---- personal numbers: shown on request, which the server writes down
for (const form of $$("form[data-reveal]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = $("button", form);
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" } });
      if (answer.status === 401) return void window.location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      const { hidden } = await answer.json();
      for (const secret of $$(".secret")) {
        if (Object.hasOwn(hidden, secret.textContent)) secret.textContent = hidden[secret.textContent];
        secret.classList.add("shown");
      }
      form.remove();
    } catch {
      button.disabled = false;
      button.textContent = "重试";
    }
  });
}

// ---- selects with a search box (combobox with a listbox, as ARIA describes it)
class Search {
  constructor(select) {
    this.select = select;
    this.box = Object.assign(document.createElement("input"), { type: "text", autocomplete: "off", id: `${select.id}-search`, className: "search" });
    this.list = Object.assign(document.createElement("ul"), { className: "options", id: `${select.id}-options`, hidden: true });
    this.list.setAttribute("role", "listbox");
    const attributes = { role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list", "aria-controls": this.list.id, placeholder: select.dataset.search };
    for (const [name, value] of Object.entries(attributes)) this.box.setAttribute(name, value);
    const label = $(`label[for="${select.id}"]`);
    label.htmlFor = this.box.id;
    this.list.setAttribute("aria-label", label.textContent);
    const holder = Object.assign(document.createElement("div"), { className: "combo" });
    select.before(holder);
    holder.append(this.box, this.list, select);
    select.hidden = true;
    this.show();
    this.box.addEventListener("focus", () => this.box.select());
    this.box.addEventListener("click", () => this.open(""));
    this.box.addEventListener("input", () => this.open(this.box.value));
    this.box.addEventListener("blur", () => this.close());
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault(); // the box keeps the focus
      const option = event.target.closest("[role=option]");
      if (option) this.choose(option.dataset.value);
    });
    select.addEventListener("change", () => this.show());
  }

  show() {
    this.box.value = this.select.selectedOptions[0]?.textContent ?? "";
  }

  matches(words) {
    const owner = this.select.dataset.follows ? $(`#${this.select.dataset.follows}`).value : null;
    const parts = words.trim().toLowerCase().split(/\s+/).filter(Boolean);
    return [...this.select.options]
      .map((option, order) => {
        const name = option.textContent.toLowerCase();
        const all = `${name} ${option.value} ${option.dataset.more ?? ""} ${option.dataset.ownerName ?? ""}`.toLowerCase();
        if (!parts.every((part) => all.includes(part))) return null;
        const inName = parts.length > 0 && parts.every((part) => name.includes(part));
        const own = owner !== null && option.dataset.owner === owner;
        return { option, rank: (own ? -2000 : 0) + (inName ? -4000 : 0) + (option.value ? 0 : -9000) + order };
      })
      .filter(Boolean)
      .sort((a, b) => a.rank - b.rank)
      .slice(0, 60);
  }

  open(words) {
    const found = this.matches(words);
    this.list.replaceChildren(
      ...found.map(({ option }, index) => {
        const line = Object.assign(document.createElement("li"), { textContent: option.textContent, id: `${this.list.id}-${index}` });
        line.setAttribute("role", "option");
        line.setAttribute("aria-selected", "false");
        line.dataset.value = option.value;
        if (option.dataset.ownerName) line.append(Object.assign(document.createElement("small"), { textContent: option.dataset.ownerName }));
        return line;
      }),
    );
    if (!found.length) this.list.append(Object.assign(document.createElement("li"), { textContent: "没有匹配项", className: "none" }));
    this.list.hidden = false;
    this.box.setAttribute("aria-expanded", "true");
    const start = words ? found.findIndex(({ option }) => option.value) : found.findIndex(({ option }) => option.selected);
    this.point(start);
  }

  point(index) {
    const lines = $$("[role=option]", this.list);
    this.at = lines.length ? Math.max(0, Math.min(index, lines.length - 1)) : -1;
    lines.forEach((line, i) => line.setAttribute("aria-selected", String(i === this.at)));
    if (this.at >= 0) {
      this.box.setAttribute("aria-activedescendant", lines[this.at].id);
      lines[this.at].scrollIntoView({ block: "nearest" });
    }
  }

  key(event) {
    if (event.isComposing) return;
    const isOpen = !this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) return this.open("");
      this.point(this.at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && isOpen) {
      event.preventDefault();
      const line = $$("[role=option]", this.list)[this.at];
      if (line) this.choose(line.dataset.value);
    } else if (event.key === "Escape" && isOpen) {
      event.stopPropagation();
      this.close();
    }
  }

  choose(value) {
    this.select.value = value;
    this.select.dispatchEvent(new Event("change", { bubbles: true }));
    this.close();
  }

  close() {
    this.list.hidden = true;
    this.box.setAttribute("aria-expanded", "false");
    this.box.removeAttribute("aria-activedescendant");
    this.show();
  }
}
for (const select of $$("select[data-search]")) new Search(select);

// ---- the decision: suggestions fill the form; an item brings its department, a department drops a foreign item
const decide = $("form[data-decide]");
if (decide) {
  const department = $("#department");
  const item = $("#item");
  const set = (select, value) => {
    if (![...select.options].some((option) => option.value === value)) return;
    select.value = value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const owner = () => item.selectedOptions[0]?.dataset.owner;
  const first = new FormData(decide);
  const mark = () => {
    for (const choice of $$(".choice", decide)) {
      const chosen = choice.hasAttribute("data-keep") ? choice.dataset.item === item.value : choice.dataset.department === department.value;
      choice.classList.toggle("chosen", chosen);
      choice.setAttribute("aria-pressed", String(chosen));
    }
    const now = new FormData(decide);
    const changed = ["department", "item", "urgency", "kind", "note"].some((name) => now.get(name) !== first.get(name));
    document.body.classList.toggle("changed", changed);
  };
  for (const choice of $$(".choice", decide)) {
    choice.addEventListener("click", () => {
      if (choice.dataset.department) set(department, choice.dataset.department);
      if (choice.dataset.item || !choice.hasAttribute("data-keep")) set(item, choice.dataset.item);
      mark();
    });
  }
  department.addEventListener("change", () => {
    if (item.value && owner() !== department.value) {
      item.value = "";
      item.dispatchEvent(new Event("change"));
    }
  });
  item.addEventListener("change", () => {
    if (item.value && owner() && owner() !== department.value) {
      department.value = owner();
      $("#department-search").value = department.selectedOptions[0].textContent;
    }
  });
  decide.addEventListener("change", mark);
  decide.addEventListener("input", mark);
  // C with nothing changed means: let me choose
  $(".correct", decide).addEventListener("click", (event) => {
    if (document.body.classList.contains("changed")) return;
    event.preventDefault();
    $("#department-search").focus();
    $("#department-search").click();
  });
  mark();
}

// ---- time goes on
function left(due) {
  let minutes = Math.floor((new Date(due) - Date.now()) / 60000);
  const word = minutes >= 0 ? "剩" : "超时";
  minutes = Math.abs(minutes);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${word} ${Math.floor(hours / 24)} 天`;
  if (hours) return `${word} ${hours} 小时${hours < 6 && minutes % 60 ? ` ${minutes % 60} 分` : ""}`;
  return `${word} ${minutes} 分`;
}
setInterval(() => {
  for (const time of $$("[data-due]")) {
    time.textContent = left(time.dateTime);
    time.classList.toggle("late", new Date(time.dateTime) < Date.now());
  }
}, 30000);

// ---- the list's numbers
if (document.body.dataset.page === "list") {
  const pending = () => Number($("[data-count=pending]").textContent);
  const known = pending();
  const refresh = async () => {
    if (document.hidden) return;
    const answer = await fetch("/desk/counts", { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer) return;
    if (answer.status === 401) return void window.location.reload();
    if (!answer.ok) return;
    for (const [name, value] of Object.entries(await answer.json())) {
      const count = $(`[data-count="${name}"]`);
      count.textContent = value;
      count.closest(".tile").classList.toggle("zero", !value);
    }
    document.title = document.title.replace(/^(\(\d+\) )?/, pending() ? `(${pending()}) ` : "");
    $("[data-news]").hidden = pending() <= known;
  };
  setInterval(refresh, 15000);
  document.addEventListener("visibilitychange", refresh);
  for (const row of $$("tr.row")) {
    row.addEventListener("click", (event) => {
      if (!event.target.closest("a") && !String(window.getSelection())) $("a", row).click();
    });
  }
}
