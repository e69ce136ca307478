// Choosing one turn, from the list or from a plot, and everything that is told about it.

const list = element("turn-list");
const picked = { place: 0, order: "played", whole: false };

function told(turn) {
  return turn.voice_to_voice == null ? turn.outcome : ms(turn.voice_to_voice);
}

function listed() {
  const wanted = element("turn-filter").value.trim().toLowerCase();
  const found = data.turns
    .map((turn, place) => ({ turn, place }))
    .filter(({ turn }) => !wanted || `${turn.title} ${turn.outcome}`.toLowerCase().includes(wanted));
  const wait = ({ turn }) => turn.voice_to_voice ?? (turn.outcome === "ignored" ? -Infinity : Infinity);
  return picked.order === "slowest"
    ? found.sort((a, b) => (wait(a) === wait(b) ? a.place - b.place : wait(b) - wait(a)))
    : found;
}

function fillList() {
  const found = listed();
  list.replaceChildren(
    ...found.map(({ turn, place }) => {
      const option = new Option(`${told(turn).padStart(8, "\u2007")}  ${cut(turn.title, 60)}`, place);
      option.selected = place === picked.place;
      return option;
    }),
  );
  element("turn-count").textContent = `${found.length} of ${data.turns.length} turns`;
}

function cell(text, kind = "td") {
  const made = document.createElement(kind);
  made.textContent = text;
  return made;
}

function fillTable(id, lines) {
  element(id).replaceChildren(
    ...lines.map((line) => {
      const row = document.createElement("tr");
      row.append(...line.map((text) => cell(text)));
      return row;
    }),
  );
}

const NUMBERS = [
  ["voice-to-voice", (turn) => turn.voice_to_voice, ms],
  ["residue", (turn) => turn.residue, (value) => `${(value * 1000).toFixed(2)} ms`],
  ["end of the voice, detector less sound", (turn) => turn.end_error, (value) => at(value)],
  ["stopped her after", (turn) => turn.barge_in, ms],
  ["face's first frame after first sound", (turn) => turn.face_lateness, (value) => at(value)],
  ["lip skew", (turn) => turn.lip_skew, (value) => at(value)],
  ["speech without a face", (turn) => turn.face_missing, (value) => `${(100 * value).toFixed(1)} %`],
  ["tokens", (turn) => turn.tokens, String],
  [
    "speculative starts",
    (turn) => turn.speculations,
    (value, turn) => `${value}, ${turn.speculations_dropped || 0} dropped`,
  ],
  ["wasted sound", (turn) => turn.wasted_seconds, (value) => `${value.toFixed(2)} s`],
  ["wasted tokens", (turn) => turn.wasted_tokens, String],
  [
    "tools called",
    (turn) => turn.tool_calls || null,
    (value, turn) => `${value}, ${turn.tool_failures || 0} failed, ${turn.tool_calls_wasted || 0} for nothing`,
  ],
  ["tools not in the recording", (turn) => turn.tool_calls_unrecorded || null, String],
  ["false cut-offs", (turn) => turn.false_cutoffs, String],
  ["underruns", (turn) => turn.underruns, String],
  ["backchannels", (turn) => turn.backchannels, String],
  ["word errors", (turn) => turn.word_errors, (value, turn) => `${value} of ${turn.words}`],
];

function showTurn() {
  const turn = data.turns[picked.place];
  const from = zero(turn);
  element("turn-stretch").hidden = turn.voice_to_voice == null;
  element("turn-title").textContent = turn.title;
  element("turn-outcome").textContent = turn.reason ? `${turn.outcome}: ${turn.reason}` : turn.outcome;
  element("turn-outcome").className =
    `outcome ${turn.outcome === "answered" || turn.outcome === "ignored" ? "" : "bad"}`;
  element("turn-said").textContent = turn.transcript ?? "not known";
  element("turn-heard").textContent = turn.heard || "nothing";
  element("turn-reply").textContent = turn.reply || "nothing";
  element("turn-expected").hidden = turn.as_expected !== false;
  element("turn-numbers").replaceChildren(
    ...NUMBERS.filter(([, value]) => value(turn) != null).flatMap(([name, value, text]) => {
      const item = document.createElement("div");
      item.append(cell(name, "dt"), cell(text(value(turn), turn), "dd"));
      return item;
    }),
  );
  const events = [
    ...(turn.decisions || []).map((event) => ({ ...event, what: words(event.kind) })),
    ...(turn.faults || []).map((event) => ({ ...event, what: `${event.kind} failed` })),
  ].sort((a, b) => a.at - b.at);
  fillTable(
    "turn-events",
    events.map((event) => [at(event.at - from), event.what, event.reason]),
  );
  element("turn-events-none").hidden = events.length > 0;
  fillTable(
    "turn-marks",
    Object.entries(turn.marks || {})
      .sort((a, b) => a[1] - b[1])
      .map(([name, time]) => [at(time - from), words(name)]),
  );
  redraw("waterfall");
}

// Chosen in a plot: the list and the page follow.
function choose(place, fromPlot = false) {
  picked.place = place;
  if (fromPlot) {
    element("turn-filter").value = "";
    fillList();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    element("turn").scrollIntoView({ behavior: still ? "auto" : "smooth", block: "start" });
    list.focus({ preventScroll: true });
  }
  showTurn();
}

function step(by) {
  const places = [...list.options].map((option) => Number(option.value));
  const next = places[places.indexOf(picked.place) + by];
  if (next === undefined) return;
  list.value = String(next);
  choose(next);
}

if (data.turns.length) {
  plot("waterfall", () => waterfall(data.turns[picked.place], picked.whole));
  list.addEventListener("change", () => list.value && choose(Number(list.value)));
  element("turn-filter").addEventListener("input", fillList);
  element("turn-back").addEventListener("click", () => step(-1));
  element("turn-on").addEventListener("click", () => step(1));
  choice("turn-order", (order) => {
    picked.order = order;
    fillList();
  });
  choice("turn-stretch", (value) => {
    picked.whole = value === "whole";
    redraw("waterfall");
  });
  fillList();
  showTurn();
}
