"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const gate = data.levels.flatMap((level, number) => (level.gate ? [number] : []));
  const others = data.levels.flatMap((level, number) => (level.gate ? [] : [number]));
  const dialog = document.querySelector("dialog");
  const sheet = dialog.querySelector(".sheet");
  const spoken = document.querySelector(".spoken");
  const STATES = ["full", "gate", "fail", "none", "open"];
  const SIGNS = { full: "✓", fail: "✗", none: "∅", open: "·" };

  /** Make an element with attributes and children; text is never read as HTML. */
  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  // ---- how a set stands ------------------------------------------------------------------

  const passed = (set, number) => Boolean(set.levels && set.levels[number] && set.levels[number][0] === "p");

  const failed = (set, number) => Boolean(set.levels && set.levels[number] && "fc".includes(set.levels[number][0]));
  /** The set was run when the probe had no such level: nothing is known. */
  const untried = (set, number) => Boolean(set.levels && set.levels[number] === null);
  const names = (numbers) => numbers.map((number) => data.levels[number].name).join(", ");

  /** The capabilities that are asked for: those pressed, or all of them. */
  function asked() {
    const pressed = [...document.querySelectorAll('.chip[aria-pressed="true"]')].map((chip) => chip.dataset.level);
    return { some: pressed.length > 0, numbers: others.filter((n) => !pressed.length || pressed.includes(data.levels[n].name)) };
  }

  /** What is asked for and does not pass; with nothing pressed, what was tried and failed. */
  const lacking = (set, wanted) => wanted.numbers.filter((n) => (wanted.some ? !passed(set, n) && !untried(set, n) : failed(set, n)));
  const unknown = (set, wanted) => wanted.numbers.filter((n) => untried(set, n));

  function stateOf(set, wanted) {
    if (!set) return "open";
    if (!set.levels) return "none";
    if (!gate.every((number) => passed(set, number))) return "fail";
    if (lacking(set, wanted).length) return "gate";
    return wanted.some && unknown(set, wanted).length ? "open" : "full";
  }

  function firstBad(set) {
    const bad = gate.find((n) => failed(set, n));
    const number = bad === undefined ? gate.find((n) => !passed(set, n)) : bad;
    return number === undefined ? "" : data.levels[number].name;
  }

  /** A sign; for a set that passes the gate, how many of the capabilities it lacks. */
  function signOf(set, wanted) {
    const state = stateOf(set, wanted);
    return state === "gate" ? `−${lacking(set, wanted).length}` : SIGNS[state];
  }

  /** A sign where there is room for a word. */
  function longSignOf(set, wanted) {
    const sign = signOf(set, wanted);
    const state = stateOf(set, wanted);
    if (state === "full") return wanted.some ? sign : `${sign} all`;
    if (state === "gate") return `✓ ${sign}`;
    return state === "fail" ? `${sign} ${firstBad(set)}` : sign;
  }

  function inWords(set, wanted) {
    const state = stateOf(set, wanted);
    if (state === "none") return "cannot be made";
    if (state === "open") return set ? `passes the gate; ${names(unknown(set, wanted))} not run` : "was not run";
    if (state === "fail") return `fails at ${firstBad(set)}`;
    const absent = wanted.some ? [] : others.filter((n) => !passed(set, n) && !failed(set, n) && !untried(set, n));
    const open = unknown(set, wanted).length ? `; ${names(unknown(set, wanted))} not run` : "";
    const without = `${absent.length ? `, has no ${names(absent)}` : ""}${open}`;
    if (state === "gate") return `passes the gate, lacks ${names(lacking(set, wanted))}${without}`;
    return wanted.some ? `passes the gate and ${names(wanted.numbers)}` : `passes every level${without}`;
  }

  // ---- filters ---------------------------------------------------------------------------

  function paint(half, set, wanted, text) {
    half.classList.remove(...STATES);
    half.classList.add(stateOf(set, wanted));
    half.textContent = text;
  }

  function refresh() {
    const wanted = asked();
    for (const tile of document.querySelectorAll("button.tile")) {
      const own = data.sets[tile.dataset.set];
      const plain = data.sets[tile.dataset.plain];
      const narrow = tile.closest("table").classList.contains("narrow");
      const text = narrow ? signOf(own, wanted) : longSignOf(own, wanted);
      paint(tile.querySelector(".own"), own, wanted, text);
      if (plain) paint(tile.querySelector(".plain"), plain, wanted, signOf(plain, wanted));
      tile.setAttribute("aria-label", labelOf(tile, own, plain, wanted));
    }
    for (const board of document.querySelectorAll(".board")) count(board, wanted);
    legend(wanted);
  }

  function labelOf(tile, own, plain, wanted) {
    const cell = data.cells[(own || plain).cell];
    if (tile.closest("table").classList.contains("narrow")) {
      const marks = (tile.classList.contains("against") ? "; refused by a rule or by metadata" : "") +
        (tile.classList.contains("chosen") ? "; in envlock's lock" : "");
      return `TensorFlow ${cell.release} with ${own.name} on Python ${cell.python}: ${inWords(own, wanted)}${marks}`;
    }
    const beside = plain ? `; a plain resolve ${inWords(plain, wanted)}` : "";
    const what = tile.closest("table").classList.contains("builds") ? cell.build : "TensorFlow";
    return `${what} ${cell.release}, Python ${cell.python}: envlock's lock ${inWords(own, wanted)}${beside}`;
  }

  function count(board, wanted) {
    const numbers = wanted.some ? [...gate, ...wanted.numbers] : gate;
    const every = [...board.querySelector("table").querySelectorAll("button.tile")];
    // The two numbers are of the same cells: those in which both were run.
    const compared = every.filter((tile) => "plain" in tile.dataset);
    const known = (tile) => ["set", "plain"].every((key) => !(key in tile.dataset) || !numbers.some((n) => untried(data.sets[tile.dataset[key]], n)));
    const tiles = (compared.length ? compared : every).filter(known);
    for (const box of board.querySelectorAll(".number")) {
      const key = box.dataset.kind === "own" ? "set" : "plain";
      const sets = tiles.filter((tile) => key in tile.dataset).map((tile) => data.sets[tile.dataset[key]]);
      const good = sets.filter((set) => numbers.every((number) => passed(set, number))).length;
      box.querySelector(".count").replaceChildren(make("b", {}, String(good)), ` of ${sets.length}`);
      box.querySelector("rect").setAttribute("width", good);
    }
  }

  function legend(wanted) {
    const pressed = names(wanted.numbers);
    document.querySelector('[data-legend="full"]').textContent = wanted.some ? `passes the gate and ${pressed}` : "passes every level that it has";
    document.querySelector('[data-legend="gate"]').textContent = wanted.some
      ? `passes the gate, not ${wanted.numbers.length > 1 ? "all of these" : pressed}`
      : "passes the gate, lacks so many capabilities";
  }

  for (const chip of document.querySelectorAll(".chip")) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") === "true" ? "false" : "true");
      refresh();
      const counts = [...document.querySelectorAll(".number")].map((box) => `${box.querySelector(".label").textContent}: ${box.querySelector(".count").textContent}`);
      spoken.textContent = counts.join("; ");
    });
  }
  document.querySelector(".filter").hidden = false;

  // ---- what a click shows ----------------------------------------------------------------

  function signed(kind) {
    return { p: ["✓", "full", "passed"], f: ["✗", "fail", "failed"], c: ["✗", "fail", "crashed"], s: ["–", "open", "skipped"], u: ["·", "open", "not run"] }[kind];
  }

  /** The levels in their order; neighbours that say the same share a line. */
  function levelList(set) {
    const lines = [];
    data.levels.forEach((level, number) => {
      const entry = set.levels[number] || ["u"];
      const last = lines[lines.length - 1];
      if (last && last.kind === entry[0] && last.text === entry[1]) last.levels.push(level);
      else lines.push({ kind: entry[0], text: entry[1], levels: [level] });
    });
    return make("ul", { class: "levels" }, ...lines.map(levelItem));
  }

  function levelItem(line) {
    const [sign, colour, word] = signed(line.kind);
    return make("li", { class: "fc".includes(line.kind) ? "bad" : "" },
      make("span", { class: `sign ${colour}`, title: word }, sign),
      make("span", { class: "names", title: line.levels.map((level) => level.proves).join("; ") }, ...line.levels.map((level, n) => make("span", {}, level.name + (n + 1 < line.levels.length ? ", " : "")))),
      make("span", { class: "said" }, data.texts[line.text] || word));
  }

  function ruleCard(rule, names) {
    return make("div", { class: "rule" },
      make("p", {}, make("span", { class: "id" }, rule.id), ` explains ${names.join(", ")}: ${rule.because}`),
      make("ul", {}, ...rule.remedy.map((text) => make("li", {}, text))));
  }

  /** The rules behind a set's failures, each once with the levels that it explains. */
  function ruleCards(set) {
    const found = new Map();
    for (const [name, numbers] of Object.entries(set.why || {})) {
      for (const number of numbers) found.set(number, [...(found.get(number) || []), name]);
    }
    return [...found].map(([number, names]) => ruleCard(data.rules[number], names));
  }

  function outcome(title, set) {
    const everything = { some: false, numbers: others };
    const state = stateOf(set, everything);
    const badge = make("span", { class: `badge ${state}` }, `${state === "gate" ? "✓" : SIGNS[state]} ${inWords(set, everything)}`);
    const parts = [make("h3", {}, title, badge)];
    if (set.problem !== undefined) parts.push(make("p", { class: "note" }, data.texts[set.problem]));
    if (set.levels) parts.push(levelList(set));
    return [...parts, ...ruleCards(set)];
  }

  function commandLine(set) {
    if (set.command === undefined) return null;
    const text = data.texts[set.command];
    const button = make("button", { type: "button", class: "copy" }, "Copy");
    button.addEventListener("click", async () => {
      const done = await copy(text);
      button.textContent = done ? "Copied" : "Select and copy";
      spoken.textContent = button.textContent;
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    return make("div", { class: "command" }, make("pre", { tabindex: "0" }, make("code", {}, text)), button);
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = make("textarea", { class: "spoken", "aria-hidden": "true" });
      area.value = text;
      dialog.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  }

  /** A set's pins by name: version, and number among all pins. */
  function versions(set) {
    const pins = (set ? set.pins : []).map((number) => [...data.pins[number].split("=="), number]);
    return new Map(pins.map(([name, version, number]) => [name, { version, number }]));
  }

  function pinTable(set, plain) {
    const own = versions(set);
    const other = versions(plain);
    const names = [...new Set([...own.keys(), ...other.keys()])].sort();
    const differs = (name) => Boolean(plain) && (own.get(name) || {}).version !== (other.get(name) || {}).version;
    const rows = [...names.filter(differs), ...names.filter((name) => !differs(name))].map((name) => {
      const pin = own.get(name);
      const rules = pin && set.moved ? set.moved[pin.number] || [] : [];
      const moved = rules.length ? make("div", { class: "moved" }, `by ${rules.map((number) => data.rules[number].id).join(", ")}`) : null;
      return make("tr", { class: differs(name) ? "differs" : "" },
        make("td", {}, name),
        make("td", {}, pin ? pin.version : "–", moved),
        plain ? make("td", {}, other.has(name) ? other.get(name).version : "–") : null);
    });
    const changed = names.filter(differs).length;
    const title = plain ? `${names.length} pins, ${changed} of them different` : `${names.length} pins`;
    const head = make("tr", {}, make("th", { scope: "col" }, "package"), make("th", { scope: "col" }, plain ? "envlock" : "version"), plain ? make("th", { scope: "col" }, "plain") : null);
    return make("details", {}, make("summary", {}, title), make("table", { class: "pins" }, make("thead", {}, head), make("tbody", {}, ...rows)));
  }

  function facts(set, cell) {
    const rows = [["run", `${set.day}, ${set.seconds} s`], ["on", `${cell.platform}, ${data.texts[set.on]}`], ["build", cell.build], ["probe", data.texts[set.probe]]];
    return make("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  }

  function fill(own, plain, narrow) {
    const set = own || plain;
    const cell = data.cells[set.cell];
    const close = make("button", { type: "button", class: "close", "aria-label": "Close" }, "✕");
    close.addEventListener("click", () => dialog.close());
    const title = narrow ? `TensorFlow ${cell.release} with ${set.name}` : `${plain ? "TensorFlow" : cell.build} ${cell.release} on Python ${cell.python}`;
    const where = narrow ? `Python ${cell.python} on ${cell.platform}` : cell.platform;
    const refused = set.against ? make("p", { class: "note" }, "A rule of envlock or the packages’ metadata refuses this pair, so envlock makes no such lock. It was run by putting this h5py into the lock by hand.") : null;
    sheet.replaceChildren(
      make("header", {}, make("div", {}, make("h2", { id: "cell-title" }, title), make("p", { class: "where" }, where)), close),
      ...[own ? commandLine(own) : null, refused].filter((part) => part !== null),
      ...(own ? outcome(narrow ? "This pair" : "envlock's lock", own) : []),
      ...(plain ? outcome("A plain resolve", plain) : []),
      pinTable(own, plain),
      facts(set, cell));
  }

  function show(tile) {
    const own = data.sets[tile.dataset.set];
    const plain = data.sets[tile.dataset.plain];
    const set = own || plain;
    fill(own, plain, tile.closest("table").classList.contains("narrow"));
    dialog.showModal();
    dialog.scrollTop = 0;
    const key = data.cells[set.cell].key;
    const name = tile.dataset.plain === undefined && set.name !== "rules" ? `/${set.name.replace(" ", "-")}` : "";
    history.replaceState(null, "", `#${key}${name}`);
  }

  dialog.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  /** Open the cell that the address names, so that a cell can be sent to somebody. */
  function follow() {
    const [key, name] = decodeURIComponent(location.hash.slice(1)).split("/");
    if (!key) return;
    for (const tile of document.querySelectorAll("button.tile")) {
      const set = data.sets[tile.dataset.set === undefined ? tile.dataset.plain : tile.dataset.set];
      const narrow = tile.closest("table").classList.contains("narrow");
      if (data.cells[set.cell].key === key && (name ? narrow && set.name.replace(" ", "-") === name : !narrow)) {
        tile.focus();
        show(tile);
        return;
      }
    }
  }

  // ---- keyboard: one stop for the Tab key in each table, arrows between its cells ---------

  function walk(table) {
    const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.querySelector("button.tile")));
    const tiles = rows.flat().filter(Boolean);
    if (!tiles.length) return;
    tiles[0].tabIndex = 0;
    const enter = (tile) => {
      for (const each of tiles) each.tabIndex = -1;
      tile.tabIndex = 0;
    };
    const step = (cells, from, by) => {
      for (let place = from + by; place >= 0 && place < cells.length; place += by) if (cells[place]) return cells[place];
      return null;
    };
    table.addEventListener("focusin", (event) => { if (tiles.includes(event.target)) enter(event.target); });
    table.addEventListener("keydown", (event) => {
      const y = rows.findIndex((row) => row.includes(event.target));
      if (y < 0 || event.altKey || event.metaKey) return;
      const x = rows[y].indexOf(event.target);
      const column = rows.map((row) => row[x]);
      const own = rows[y].filter(Boolean);
      const next = {
        ArrowRight: () => step(rows[y], x, 1),
        ArrowLeft: () => step(rows[y], x, -1),
        ArrowDown: () => step(column, y, 1),
        ArrowUp: () => step(column, y, -1),
        Home: () => (event.ctrlKey ? tiles[0] : own[0]),
        End: () => (event.ctrlKey ? tiles[tiles.length - 1] : own[own.length - 1]),
      }[event.key];
      if (!next) return;
      event.preventDefault();
      const tile = next();
      if (tile) tile.focus();
    });
    table.addEventListener("click", (event) => {
      const tile = event.target.closest("button.tile");
      if (tile) show(tile);
    });
  }

  for (const table of document.querySelectorAll('table[role="grid"]')) walk(table);
  follow();
})();
