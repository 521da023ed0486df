"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const groups = all(".group");
  const items = groups.flatMap((group) => all(".faces > li, .previews > li, tbody > tr", group).map((node) => item(node, group)));
  const faces = items.filter((it) => it.node.parentNode.className === "faces");
  const tools = one(".tools");
  const field = tools.elements;
  const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
  const totals = new Map([...links].map(([anchor, link]) => [anchor, link.lastElementChild.textContent]));
  const number = (value) => value.toLocaleString("en");

  function item(node, group) {
    const c = node.dataset.c === undefined ? null : Number(node.dataset.c) * 100;
    return { node, group, c, text: null, stale: "stale" in node.dataset, annotated: "annotated" in node.dataset };
  }

  function text(it) {
    it.text ??= [one("h2 bdi, h2", it.group).textContent, it.node.title, it.node.title ? "" : it.node.textContent, one("p", it.node)?.textContent ?? ""].join(" ").toLowerCase();
    return it.text;
  }

  /* Filters. */

  function wanted() {
    const [least, most] = [Number(field.least.value), Number(field.most.value)];
    return {
      terms: field.find.value.toLowerCase().split(/\s+/).filter(Boolean),
      least, most, ranged: least > 0 || most < 100,
      stale: field.stale.checked, annotated: field.annotated.checked,
    };
  }

  function matches(it, want) {
    if (want.ranged && (it.c === null || it.c < want.least || it.c > want.most)) return false;
    if (want.stale && !it.stale) return false;
    if (want.annotated && !it.annotated) return false;
    return want.terms.every((term) => text(it).includes(term));
  }

  function apply() {
    const want = wanted();
    const idle = !want.ranged && !want.stale && !want.annotated && want.terms.length === 0;
    const left = new Map(groups.map((group) => [group, 0]));
    for (const it of items) {
      it.seen = idle || matches(it, want);
      if (it.node.hidden === it.seen) it.node.hidden = !it.seen;
      if (it.seen) left.set(it.group, left.get(it.group) + 1);
    }
    for (const [group, count] of left) narrow(group, count, idle);
    say(want, idle);
    remember(want, idle);
  }

  function narrow(group, count, idle) {
    group.hidden = count === 0;
    if (group.style.length) group.style.setProperty("--n", count);
    for (const list of all("details, .previews", group)) {
      const empty = !idle && !one("li:not([hidden]), tbody > tr:not([hidden])", list);
      list.hidden = empty;
      if (list.previousElementSibling?.matches("h3")) list.previousElementSibling.hidden = empty;
    }
    const link = links.get(group.id);
    link.classList.toggle("none", count === 0);
    const total = totals.get(group.id);
    link.lastElementChild.textContent = idle ? total : number(count);
    one("h2 .count", group).textContent = idle ? total : `${number(count)} of ${total}`;
    const list = one(".faces", group);
    if (list) rove(list, one("li:not([hidden])", list));
  }

  function say(want, idle) {
    const seen = items.reduce((sum, it) => sum + it.seen, 0);
    field.range.textContent = want.ranged ? `${want.least}–${want.most}%` : "any";
    field.matches.textContent = idle ? "" : `${number(seen)} of ${number(items.length)} shown`;
    one(".nothing").hidden = idle || seen > 0;
    tools.classList.toggle("idle", idle && !field.doubtful.checked);
  }

  function order() {
    const sign = field.doubtful.checked ? 1 : -1;
    for (const list of all(".faces")) {
      const inside = faces.filter((it) => it.node.parentNode === list);
      inside.sort((a, b) => sign * ((a.c ?? 101) - (b.c ?? 101)) || 0);
      list.append(...inside.map((it) => it.node));
    }
  }

  /* The filters live in the address, so that they outlast a reload and can be passed on. */

  function remember(want, idle) {
    const state = new URLSearchParams();
    if (want.terms.length) state.set("find", field.find.value.trim());
    if (want.least > 0) state.set("least", want.least);
    if (want.most < 100) state.set("most", want.most);
    for (const name of ["stale", "annotated", "doubtful"]) if (field[name].checked) state.set(name, "1");
    const hash = state.size ? `#${state}` : "";
    const ours = location.hash.includes("=");
    if ((hash || ours) && hash !== location.hash) history.replaceState(null, "", hash || "#");
  }

  function recall() {
    if (!location.hash.includes("=")) return;
    const state = new URLSearchParams(location.hash.slice(1));
    field.find.value = state.get("find") ?? "";
    field.least.value = state.get("least") ?? 0;
    field.most.value = state.get("most") ?? 100;
    for (const name of ["stale", "annotated", "doubtful"]) field[name].checked = state.has(name);
  }

  function histogram() {
    const bins = new Array(20).fill(0);
    for (const it of faces) if (it.c !== null) bins[Math.min(19, Math.floor(it.c / 5))] += 1;
    const tallest = Math.max(...bins, 1);
    for (const [place, count] of bins.entries()) {
      const bar = document.createElementNS(one(".histogram").namespaceURI, "rect");
      const height = count ? Math.max(0.5, 10 * Math.sqrt(count / tallest)) : 0;
      for (const [name, value] of Object.entries({ x: 2 * place + 0.2, y: 10 - height, width: 1.6, height })) bar.setAttribute(name, value);
      one(".histogram").append(bar);
    }
  }

  /* The chosen face. */

  const inspector = one(".inspector");
  let chosen = null;

  function rove(list, node) {
    for (const other of all("li[tabindex='0']", list)) other.tabIndex = -1;
    if (node) node.tabIndex = 0;
  }

  function path(node) {
    return node.title.split("\n")[0];
  }

  function address(node) {
    return node.dataset.u ?? document.body.dataset.root + path(node).split("/").map(encodeURIComponent).join("/");
  }

  function choose(node) {
    chosen?.classList.remove("chosen");
    chosen = node;
    const group = node.closest(".group");
    const [picture, caption] = [one("img", node), one(":scope > p", node)?.textContent.trim()];
    const badges = all("em", node).map((badge) => badge.textContent);
    node.classList.add("chosen");
    if (picture) one("img", inspector).src = picture.src; else one("img", inspector).removeAttribute("src");
    one("h2", inspector).textContent = one("h2 bdi, h2", group).firstChild.textContent.trim();
    one(".sure", inspector).textContent = [node.dataset.c ? caption : "", ...badges].filter(Boolean).join(" · ");
    one(".file", inspector).textContent = path(node);
    one(".where", inspector).textContent = node.title.split("\n")[1] ?? "";
    one(".acts a", inspector).href = address(node);
    one(".copy", inspector).textContent = "Copy path";
    inspector.hidden = false;
    if (node.parentNode.matches(".faces")) rove(node.parentNode, node);
  }

  function close() {
    chosen?.classList.remove("chosen");
    chosen = null;
    inspector.hidden = true;
  }

  function move(node, key) {
    const seen = all(":scope > li:not([hidden])", node.parentNode);
    const at = seen.indexOf(node);
    const columns = Math.max(1, seen.findIndex((other) => other.offsetTop > seen[0].offsetTop));
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -at, End: seen.length - 1 - at }[key];
    const next = seen[at + step];
    if (!next) return;
    choose(next);
    next.focus();
  }

  async function copy(button) {
    const root = one(".path").textContent.replace(/\/$/, "");
    await navigator.clipboard.writeText(`${root}/${path(chosen)}`);
    button.textContent = "Copied";
  }

  const tile = (event) => event.target.closest?.(".faces > li, .previews > li");

  document.addEventListener("click", (event) => {
    const node = tile(event);
    if (node) choose(node);
    if (event.target.matches(".close")) close();
    if (event.target.matches(".copy")) copy(event.target);
    if (event.target.matches(".nothing button")) tools.reset();
  });
  document.addEventListener("keydown", (event) => {
    const node = tile(event);
    const typing = event.target.matches("input:not([type=range], [type=checkbox])");
    if (event.key === "Escape") { const at = chosen; close(); at?.focus(); }
    if (event.key === "/" && !typing) { event.preventDefault(); field.find.focus(); }
    if (!node || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(node); }
    if (/^(Arrow|Home|End)/.test(event.key)) { event.preventDefault(); move(node, event.key); }
  });

  /* Start. */

  let waiting = 0;
  tools.addEventListener("input", (event) => {
    if (event.target === field.least) field.most.value = Math.max(field.most.value, field.least.value);
    if (event.target === field.most) field.least.value = Math.min(field.most.value, field.least.value);
    if (event.target === field.doubtful) order();
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(apply);
  });
  tools.addEventListener("reset", () => setTimeout(() => { order(); apply(); }));
  tools.addEventListener("submit", (event) => event.preventDefault());
  for (const list of all(".previews")) for (const node of list.children) node.tabIndex = 0;
  for (const it of faces) it.node.tabIndex = -1;
  tools.hidden = items.length === 0;
  one(".confidence").hidden = !faces.some((it) => it.c !== null);
  field.doubtful.parentNode.hidden = one(".confidence").hidden;
  for (const name of ["stale", "annotated"]) field[name].parentNode.hidden = !items.some((it) => it[name]);
  if (matchMedia("(max-width: 959px)").matches) one(".contents details").open = false;
  addEventListener("beforeprint", () => all("details").forEach((list) => { list.open = true; }));
  histogram();
  recall();
  if (field.doubtful.checked) order();
  apply();
})();
