// Comfort only: everything the page says is there without it.
(() => {
  const lanes = [...document.querySelectorAll(".lane")];
  const rows = [...document.querySelectorAll("tr[data-pid]")];
  const mark = (pid, on) => {
    for (const lane of lanes) {
      if (lane.dataset.pids.split(" ").includes(pid)) lane.classList.toggle("marked", on);
    }
    for (const row of rows) if (row.dataset.pid === pid) row.classList.toggle("marked", on);
  };
  for (const one of document.querySelectorAll("[data-pid]")) {
    one.addEventListener("mouseenter", () => mark(one.dataset.pid, true));
    one.addEventListener("mouseleave", () => mark(one.dataset.pid, false));
    one.addEventListener("focus", () => mark(one.dataset.pid, true));
    one.addEventListener("blur", () => mark(one.dataset.pid, false));
  }

  // The words of <title>, at once and in our own style.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const picture = document.querySelector("svg.picture");
  if (!picture) return;
  for (const title of picture.querySelectorAll("title")) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  picture.addEventListener("mousemove", (event) => {
    const one = event.target.closest("[data-tip]");
    tip.hidden = !one;
    if (!one) return;
    if (tip.textContent !== one.dataset.tip) tip.textContent = one.dataset.tip;
    const { innerWidth: width, innerHeight: height } = window;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, width - tip.offsetWidth - 8))}px`;
    const below = event.clientY + 18;
    tip.style.top = `${below + tip.offsetHeight > height ? event.clientY - tip.offsetHeight - 12 : below}px`;
  });
  picture.addEventListener("mouseleave", () => { tip.hidden = true; });
})();
