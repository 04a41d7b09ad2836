// The page of a face in the making: the face as it is now, the photo, and the time left.

import { byId, clamp, show, text, watch } from "./picture.js";

const STILL_MS = 10000;

let made = false;

function report(status) {
  if (status?.state !== "making" && status?.state !== "made") return;
  made = status.state === "made";
  show("live");
  text("state", status.state);
  text("face", status.face);
  text("stage", made ? "made" : status.stage === "photo" ? "the photo" : status.stage);
  text("size", `${status.size} px`);
  const percent = `${Math.floor(clamp(status.done) * 100)} %`;
  text("done", percent);
  byId("done-bar").style.transform = `scaleX(${clamp(status.done)})`;
  text("left", made ? "0:00" : status.left_s === null ? "–" : clock(status.left_s));
  text("note", status.note);
  document.title = made ? `${status.face}: made` : `${status.face} ${percent}`;
  document.documentElement.style.setProperty("--weight", clamp(status.done).toFixed(3));
  if (!byId("photo").src) byId("photo").src = "/photo.jpg";
}

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// Whoever comes back to this page in the end sees the face, although nobody serves it any more.
watch({
  report,
  stillMs: STILL_MS,
  hidden: true,
  gone: "it was broken off",
  over: () => made,
});
