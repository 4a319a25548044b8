
"use strict";
// What is marked data-live is taken anew from this page whenever something has changed. Without this script
// the page is the same, and is reloaded by hand.
(() => {
  const link = document.getElementById("link");
  const said = link.textContent;
  // Without a name and a password, which an address may have and may not be asked for again with.
  const here = location.origin + location.pathname;
  let busy = false;
  let again = false;
  let timer = 0;

  // Only what is different is touched: a button that is replaced while it is pressed is not clicked.
  const morph = (old, other) => {
    if (old.nodeName !== other.nodeName || old.id !== other.id) {
      old.replaceWith(document.importNode(other, true));
    } else if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== other.data) old.data = other.data;
    } else {
      for (const { name, value } of other.attributes) {
        if (old.getAttribute(name) !== value) old.setAttribute(name, value);
      }
      for (const { name } of [...old.attributes]) {
        if (!other.hasAttribute(name) && name !== "open") old.removeAttribute(name);
      }
      const mine = [...old.childNodes];
      const theirs = [...other.childNodes];
      theirs.forEach((one, at) => {
        if (at < mine.length) morph(mine[at], one);
        else old.append(document.importNode(one, true));
      });
      mine.slice(theirs.length).forEach((one) => one.remove());
    }
  };

  const take = (fresh) => {
    for (const old of document.querySelectorAll("[data-live]")) {
      const other = fresh.getElementById(old.id);
      if (other) morph(old, other);
    }
    document.title = fresh.title;
  };

  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(here, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      take(new DOMParser().parseFromString(await answer.text(), "text/html"));
      link.textContent = "This is how it is now.";
    } catch {
      link.textContent = "The supervisor does not answer. " + said;
    }
    busy = false;
    if (again) { again = false; soon(); }
  };

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, 100);
  };

  // A browser gives up for ever when it is refused once.
  const listen = (address, opened, told) => {
    const source = new EventSource(new URL(address, here));
    source.addEventListener("open", opened);
    source.addEventListener("message", (event) => told(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      soon();
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000, address, opened, told);
    });
  };

  listen(document.body.dataset.events, soon, soon);
  setInterval(() => { if (!document.hidden) refresh(); }, 10000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

  const log = document.getElementById("log");
  if (!log) return;
  const follow = document.getElementById("follow");
  const box = follow.querySelector("input");
  const down = () => { if (box.checked) log.scrollTop = log.scrollHeight; };
  let stale = true;
  follow.hidden = false;
  log.classList.add("following");
  box.addEventListener("change", down);
  down();
  // What is there comes again, at first and whenever the connection is made anew.
  listen(log.dataset.stream, () => { stale = true; }, (line) => {
    if (stale) log.replaceChildren();
    stale = false;
    const item = document.createElement("li");
    const time = document.createElement("time");
    const text = document.createElement("code");
    item.className = line.stream;
    time.textContent = line.at;
    text.textContent = line.text;
    item.append(time, text);
    log.append(item);
    while (log.children.length > 1000) log.firstChild.remove();
    down();
  });
})();
