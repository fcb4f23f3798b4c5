"use strict";
(function () {
  const talk = document.getElementById("talk"), form = document.getElementById("form");
  const text = document.getElementById("text"), send = document.getElementById("send"), hints = document.getElementById("hints");
  const NUMBER = /MY\d{6}-\d{6}/g;
  const STARTS = ["我要投诉", "查工单进度", "居住证怎么办理", "你能做什么"];
  let waiting = 0, polls = null;

  function down() { talk.scrollTop = talk.scrollHeight; }
  function bubble(words, mine, alarm) {
    const box = document.createElement("div");
    box.className = "say" + (mine ? " me" : "") + (alarm ? " danger" : "");
    let at = 0;
    for (const found of words.matchAll(NUMBER)) {
      box.append(words.slice(at, found.index));
      const number = document.createElement("b");
      number.className = "number"; number.textContent = found[0];
      box.append(number);
      at = found.index + found[0].length;
    }
    box.append(words.slice(at));
    talk.append(box);
    down();
    return box;
  }
  function typing(on) {
    let mark = document.querySelector(".typing");
    if (on && !mark) {
      mark = document.createElement("div"); mark.className = "typing"; mark.textContent = "正在处理…";
      talk.append(mark); down();
    } else if (!on && mark) mark.remove();
  }
  function offer(words) {
    hints.replaceChildren();
    const last = words[words.length - 1] || "";
    let options = [];
    if (/回复“确认”提交/.test(last)) options = ["确认", "地点不对", "取消"];
    else if (/回复“不留”/.test(last)) options = ["不留"];
    else if (/回复“登记”/.test(last)) options = ["登记", "不用"];
    else if (/记不清/.test(last)) options = ["记不清"];
    else if (/不知道可以回复“不知道”|回复“跳过”/.test(last)) options = ["不知道"];
    else if (/回复数字/.test(last)) options = ["1", "2", "3"].slice(0, (last.match(/^\d\. /gm) || []).length);
    else if (/已登记，工单号/.test(last)) options = ["查工单进度", "还有一件事要反映"];
    for (const option of options) {
      const button = document.createElement("button");
      button.type = "button"; button.textContent = option;
      button.addEventListener("click", () => say(option));
      hints.append(button);
    }
    down();  // the buttons took room from the talk
  }
  function told(body) { body.replies.forEach((r, i) => bubble(r, false, body.alarms.includes(i))); }
  function heard(body) {
    told(body);
    if (body.replies.length) offer(body.replies);
  }
  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  }
  async function say(words, id, box) {
    words = words.trim();
    if (!words) return;
    id = id || newId();
    box = box || bubble(words, true);
    box.classList.remove("failed"); box.querySelectorAll("button").forEach((b) => b.remove());
    hints.replaceChildren(); waiting += 1; typing(true);
    try {
      const answer = await fetch("/chat/messages", {
        method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ text: words, id: id }),
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const body = await answer.json();
      waiting -= 1; typing(waiting > 0);
      heard(body);
      if (body.pending) poll();
    } catch (error) {
      waiting -= 1; typing(waiting > 0);
      box.classList.add("failed");
      const again = document.createElement("button");
      again.type = "button"; again.textContent = "没有发出去，点此重发";
      again.addEventListener("click", () => say(words, id, box));  // the same id: never counted twice
      box.append(again);
    }
  }
  function poll() {
    if (polls) return;
    let left = 90; typing(true);
    polls = setInterval(async () => {
      left -= 1;
      try {
        const body = await (await fetch("/chat/late", { credentials: "same-origin" })).json();
        if (body.replies.length || left <= 0) { clearInterval(polls); polls = null; typing(false); heard(body); }
      } catch (error) { if (left <= 0) { clearInterval(polls); polls = null; typing(false); } }
    }, 2000);
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const words = text.value; text.value = ""; grow(); say(words); text.focus();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(send); }
  });
  function grow() { text.style.height = "auto"; text.style.height = Math.min(text.scrollHeight + 2, 140) + "px"; }
  text.addEventListener("input", grow);
  window.addEventListener("resize", down);  // the keyboard of a phone
  document.querySelector(".emergency").addEventListener("click", (event) => {
    event.preventDefault();
    const box = document.getElementById("emergency"); box.hidden = !box.hidden;
  });
  (async function start() {
    try {
      const body = await (await fetch("/chat/messages", { credentials: "same-origin" })).json();
      for (const m of body.messages) { bubble(m.text, true); told(m); }
      if (!body.messages.length) {
        const welcome = await (await fetch("/chat/welcome")).json();
        told(welcome);
        for (const start of STARTS) {
          const button = document.createElement("button");
          button.type = "button"; button.textContent = start;
          button.addEventListener("click", () => say(start));
          hints.append(button);
        }
      }
    } catch (error) { bubble("暂时连不上服务，请稍后刷新；着急请拨打 12345。", false); }
    text.focus();
  })();
})();
