// One turn on one time axis: both voices, what each service did and when, and the stages between the end of the user's
// voice and her first audible sample. Zero is the end of the voice (of the sound, where there is no voice).

const QUIET = -60; // dB of full scale that is drawn as nothing
const ROWS = ["you", "asr", "turn taking", "llm", "tts", "face", "gate", "the wait", "Sophia"];
const SPANS = [
  // row, from, to, stage whose colour it has, whether it is work that goes on after the first result
  ["asr", "voice_end", "transcript", "asr", false],
  ["asr", "transcript", "final", "asr", true],
  ["llm", "started", "first_token", "llm", false],
  ["llm", "first_token", "last_token", "llm", true],
  ["llm", "first_token", "first_word", "tools", false],
  ["tts", "first_clause", "first_audio", "tts", false],
  ["tts", "first_audio", "last_audio", "tts", true],
  ["face", "first_audio", "first_frame", "face", false],
  ["gate", "first_audio", "released", "hold", false],
];
const INSTANTS = {
  // instants that no span's edge shows, and their rows
  voice_start: "asr",
  decided: "turn taking",
  barge_in: "you",
  silenced: "Sophia",
  end: "Sophia",
};

const zero = (turn) => (turn.voiced ? turn.voiced[1] : turn.seconds);
const level = (y) => ROWS.length - 1 - ROWS.indexOf(y);
const words = (name) => name.replaceAll("_", " ");

function at(seconds) {
  const whole = Math.round(seconds * 1000);
  return `${whole < 0 ? "−" : "+"}${Math.abs(whole)} ms`;
}

function loudness(packed) {
  return packed ? [...atob(packed)].map((byte) => Math.max(0, 1 + byte.charCodeAt(0) / QUIET)) : [];
}

function envelope(packed, row, ink, from) {
  const heights = loudness(packed);
  const x = heights.map((_, i) => i * data.step - from);
  const side = (sign, more) => ({
    type: "scatter",
    mode: "lines",
    x,
    y: heights.map((height) => level(row) + sign * height * 0.44),
    line: { width: 0, shape: "hv", color: ink },
    ...more,
  });
  return [
    side(-1, { hoverinfo: "skip" }),
    side(1, {
      fill: "tonexty",
      fillcolor: ink,
      hovertemplate: "%{text}<extra></extra>",
      text: heights.map(
        (height, i) => `${row}, ${at(x[i])}: ${height ? `${Math.round((1 - height) * QUIET)} dBFS` : "silent"}`,
      ),
    }),
  ];
}

function tiles(turn) {
  let edge = 0;
  const list = data.stages.map((stage) => {
    const seconds = (turn.contributions || {})[stage] || 0;
    edge += seconds;
    return {
      row: "the wait",
      stage,
      base: edge - seconds,
      seconds,
      label: stage,
      text: `<b>${stage}</b> ${ms(seconds)}<br>${at(edge - seconds)} to ${at(edge)}`,
    };
  });
  return list.filter(({ seconds }) => seconds > 0);
}

function spans(turn) {
  const marks = { ...turn.marks, ...(turn.voiced ? { voice_end: turn.voiced[1] } : {}) };
  const from = zero(turn);
  return SPANS.filter(([, first, last]) => marks[last] > marks[first]).map(([row, first, last, stage, goesOn]) => ({
    row,
    stage,
    goesOn,
    base: marks[first] - from,
    seconds: marks[last] - marks[first],
    label: "",
    text: [
      `<b>${words(first)}</b> ${at(marks[first] - from)}`,
      `<b>${words(last)}</b> ${at(marks[last] - from)}`,
      ms(marks[last] - marks[first]),
    ].join("<br>"),
  }));
}

// `shown` is the width of the stretch in seconds; a label that would not fit into its tile is left out.
function bar(list, shown) {
  const room = (element("waterfall").clientWidth - 90) / shown;
  return list.map(({ row, stage, goesOn, base, seconds, label, text }) => ({
    type: "bar",
    orientation: "h",
    y: [level(row)],
    x: [seconds],
    base: [base],
    width: row === "the wait" ? 0.78 : 0.42,
    marker: stage === "face" ? { color: style("--soft") } : fill(stage, { opacity: goesOn ? 0.35 : 1 }),
    text: [seconds * room > label.length * 7 + 4 ? label : ""],
    textposition: "inside",
    insidetextanchor: "middle",
    textangle: 0,
    constraintext: "none",
    insidetextfont: { size: 11, color: style(`--on-${stage}`) || style("--ink") },
    hovertemplate: `${text}<extra></extra>`,
  }));
}

function points(turn, list, symbol, ink, rowOf) {
  const from = zero(turn);
  return {
    type: "scatter",
    mode: "markers",
    x: list.map(({ at: time }) => time - from),
    y: list.map((item) => level(rowOf(item))),
    marker: { symbol, size: 11, color: ink, line: { width: 1.5, color: style("--card") } },
    text: list.map(
      ({ at: time, kind, reason }) =>
        `<b>${plain(words(kind))}</b> ${at(time - from)}${reason ? `<br>${wrapped(reason)}` : ""}`,
    ),
    hovertemplate: "%{text}<extra></extra>",
  };
}

function wrapped(text) {
  return cut(text, 240)
    .match(/.{1,60}(\s|$)|.{1,60}/gsu)
    .map((line) => plain(line.trim()))
    .join("<br>");
}

// The stretch that is shown at first: the wait with a little before and after, or all of it.
function stretch(turn, whole) {
  const from = zero(turn);
  const happened = [...(turn.decisions || []), ...(turn.faults || [])].map((event) => event.at + 0.2);
  const heard = Math.max(
    turn.seconds,
    (turn.marks || {}).end || 0,
    loudness(turn.reply_envelope).length * data.step,
    ...happened,
  );
  if (whole || turn.voice_to_voice == null) return [-from, heard - from];
  return [-0.35, Math.max(turn.voice_to_voice + 0.35, 0.3)];
}

function waterfall(turn, whole) {
  const range = stretch(turn, whole);
  const marks = Object.entries(turn.marks || {})
    .filter(([name]) => INSTANTS[name])
    .map(([kind, time]) => ({ kind, at: time }));
  const traces = [
    ...envelope(turn.user_envelope, "you", style("--you"), zero(turn)),
    ...envelope(turn.reply_envelope, "Sophia", style("--her"), zero(turn)),
    ...bar([...spans(turn), ...tiles(turn)], range[1] - range[0]),
    points(turn, marks, "line-ns-open", style("--ink"), ({ kind }) => INSTANTS[kind]),
    points(turn, turn.decisions || [], "diamond", style("--run"), () => "turn taking"),
    points(turn, turn.faults || [], "x", style("--bad"), ({ kind }) => (ROWS.includes(kind) ? kind : "turn taking")),
  ];
  const edge = (x) => ({
    type: "line",
    x0: x,
    x1: x,
    yref: "paper",
    y0: 0,
    y1: 1,
    line: { color: style("--edge"), width: 1, dash: "dash" },
  });
  return [
    traces,
    layout(narrow() ? 400 : 440, {
      barmode: "overlay",
      xaxis: axis(turn.voiced ? "seconds after the end of the voice" : "seconds after the end of the sound", {
        range,
        zeroline: false,
      }),
      yaxis: axis("", {
        range: [-0.6, ROWS.length - 0.4],
        tickvals: ROWS.map(level),
        ticktext: ROWS,
        showgrid: false,
        zeroline: false,
        fixedrange: true,
      }),
      shapes: [edge(0), ...(turn.voice_to_voice == null ? [] : [edge(turn.voice_to_voice)])],
    }),
  ];
}
