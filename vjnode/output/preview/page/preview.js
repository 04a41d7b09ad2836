// The page of a show: the picture, and the figures that it was drawn from.

import { byId, clamp, number, show, text, watch } from "./picture.js";

const HISTORY_S = 10;
const FLOOR_DB = -60;
const SLOW_MS = 100;

const history = byId("history");
const pen = history.getContext("2d");

let onsets = null;
let peak = { db: FLOOR_DB, at: 0 };
const past = []; // {at (ms), weight, onset}

// the set list, and what waits for a beat

function cue(status) {
  const next = status.coming ? `next: ${status.coming}` : "";
  const waits = status.waiting ? `waits for the beat: ${status.waiting}` : "";
  return [status.entry, status.notes, next, waits].filter(Boolean).join(" · ");
}

// the figures

function report(status) {
  if (status?.state !== "live") return;
  show("live");
  const now = performance.now();
  text("face", status.face);
  text("expression", status.expression);
  text("preset", status.preset || "–");
  text("engine", `${status.engine} · ${status.size} px`);
  text("weight", number(status.weight, 2));
  text("level", status.level_db <= -120 ? "silent" : `${number(status.level_db, 1)} dB`);
  text("fps", number(status.fps, 1));
  byId("fps").classList.toggle("slow", status.fps < status.fps_wanted * 0.95);
  const heard = status.latency_ms !== null && status.latency_ms < 10000;
  text("latency", heard ? number(status.latency_ms, 0) : "–");
  byId("latency").classList.toggle("slow", heard && status.latency_ms > SLOW_MS);
  channels(status);
  text("note", status.note);
  text("cue", cue(status));
  text("gain", number(status.gain, 2));
  text("position", clock(status.t_s));
  text("keys", `${status.keys} / ${status.keys_wanted}`);
  text("onsets", String(status.onsets));
  text("bpm", status.bpm ? number(status.bpm, 1) : "–");
  // Bright on the beat, dim before the next: the eye checks it against the ear.
  text("beat", status.bpm ? String(1 + Math.floor(status.bar * 4)) : "–");
  byId("beat").style.opacity = status.bpm ? (1 - 0.6 * status.beat).toFixed(2) : "";
  text("agc", number(status.agc_db, 1));
  document.documentElement.style.setProperty("--weight", clamp(status.weight).toFixed(3));
  byId("weight-bar").style.transform = `scaleX(${clamp(status.weight)})`;
  level(status.level_db, now);
  const onset = onsets !== null && status.onsets > onsets;
  onsets = status.onsets;
  if (onset) flash();
  past.push({ at: now, weight: clamp(status.weight), onset });
  while (now - past[0].at > HISTORY_S * 1000) past.shift();
  drawHistory(now);
}

// One line for each channel that shows something beside the first.
function channels(status) {
  const list = byId("channels");
  const shown = Object.keys(status)
    .filter((key) => key.startsWith("expression/") && status[key])
    .map((key) => [status[key], status[key.replace("expression", "weight")]]);
  while (list.children.length > shown.length) list.lastChild.remove();
  while (list.children.length < shown.length) {
    const line = document.createElement("li");
    line.append(document.createElement("span"), document.createElement("i"));
    list.append(line);
  }
  shown.forEach(([name, weight], at) => {
    const [label, bar] = list.children[at].children;
    if (label.textContent !== name) label.textContent = name;
    bar.style.transform = `scaleX(${clamp(weight)})`;
  });
}

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function level(db, now) {
  const place = (value) => clamp(1 - value / FLOOR_DB);
  if (db >= peak.db || now - peak.at > 1200) peak = { db, at: now };
  byId("level-bar").style.clipPath = `inset(0 ${100 - place(db) * 100}% 0 0)`;
  byId("level-peak").style.left = `calc(${place(peak.db) * 100}% - 2px)`;
}

function flash() {
  byId("onset").animate(
    [{ opacity: 1, boxShadow: "0 0 14px #f6e3c3" }, { opacity: 0.12, boxShadow: "none" }],
    { duration: 420, easing: "ease-out" },
  );
}

function drawHistory(now) {
  const scale = devicePixelRatio;
  const wide = history.clientWidth;
  const high = history.clientHeight;
  if (history.width !== Math.round(wide * scale) || history.height !== Math.round(high * scale)) {
    history.width = Math.round(wide * scale);
    history.height = Math.round(high * scale);
  }
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, wide, high);
  const x = (at) => wide * (1 - (now - at) / (HISTORY_S * 1000));
  const y = (weight) => 2 + (high - 4) * (1 - weight);
  pen.fillStyle = "#221f25";
  for (const line of [0, 0.5, 1]) pen.fillRect(0, Math.round(y(line)), wide, 1);
  pen.fillStyle = "#f6e3c340";
  for (const moment of past) if (moment.onset) pen.fillRect(x(moment.at), y(0) - 5, 1.5, 5);
  const heat = pen.createLinearGradient(0, y(1), 0, y(0));
  heat.addColorStop(0, "#ee6c4d");
  heat.addColorStop(1, "#d9a066");
  const glow = pen.createLinearGradient(0, y(1), 0, y(0));
  glow.addColorStop(0, "#ee6c4d55");
  glow.addColorStop(1, "#d9a06608");
  for (const run of runs()) {
    pen.beginPath();
    for (const moment of run) pen.lineTo(x(moment.at), y(moment.weight));
    pen.strokeStyle = heat;
    pen.lineWidth = 1.75;
    pen.lineJoin = "round";
    pen.stroke();
    pen.lineTo(x(run.at(-1).at), y(0));
    pen.lineTo(x(run[0].at), y(0));
    pen.fillStyle = glow;
    pen.fill();
  }
}

// Stretches without a break: where nothing came, nothing is drawn.
function runs() {
  const found = [];
  let before = -Infinity;
  for (const moment of past) {
    if (moment.at - before > 500) found.push([]);
    found.at(-1).push(moment);
    before = moment.at;
  }
  return found;
}

watch({ report, stillMs: 1500 });
