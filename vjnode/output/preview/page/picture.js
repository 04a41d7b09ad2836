// Shows the pictures that the node sends over one socket. Each "next" asks for one status (text)
// and one picture (binary), so a slow page gets fewer, never older ones.

const RETRY_MS = 700;

export const byId = (id) => document.getElementById(id);
export const number = (value, digits) => value.toFixed(digits).replace("-", "−");
export const clamp = (value) => Math.min(1, Math.max(0, value));

const picture = byId("picture");
const canvas = byId("canvas");
const context = canvas.getContext("2d", { alpha: false });
const waiting = byId("notice").textContent;

let socket = null;
let still = 0;

export function text(id, value) {
  const element = byId(id);
  if (element.textContent !== value) element.textContent = value;
}

export function show(state, words) {
  document.body.dataset.state = state;
  text("state", state);
  if (words) text("notice", words);
}

// report: takes each status, once its picture is shown. stillMs: time without a new picture after
// which that is told. hidden: whether pictures are asked for while nobody sees the page, which
// costs the node something. gone: words for a node that has gone. over: whether the picture that
// is shown is the last one.
export function watch({ report, stillMs, hidden = false, gone = waiting, over = () => false }) {
  const ask = () => {
    clearTimeout(still);
    if ((document.hidden && !hidden) || socket?.readyState !== WebSocket.OPEN) return;
    socket.send("next");
    still = setTimeout(() => show("still", "the picture stands still"), stillMs);
  };

  const connect = () => {
    socket = new WebSocket(`ws://${location.host}/live`);
    socket.binaryType = "blob";
    let status = null;
    socket.onopen = ask;
    socket.onmessage = async ({ data }) => {
      if (typeof data === "string") {
        status = JSON.parse(data);
        return;
      }
      const bitmap = await createImageBitmap(data);
      draw(bitmap);
      report(status);
      ask();
    };
    socket.onclose = () => {
      clearTimeout(still);
      if (over()) return;
      show("waiting", gone);
      setTimeout(connect, RETRY_MS);
    };
  };

  document.addEventListener("visibilitychange", ask);
  connect();
}

function draw(bitmap) {
  if (canvas.width !== bitmap.width) canvas.width = canvas.height = bitmap.width;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
}

function toggleFull() {
  if (document.fullscreenElement) document.exitFullscreen();
  else picture.requestFullscreen?.();
}

picture.addEventListener("click", toggleFull);
byId("full").addEventListener("click", toggleFull);
byId("full").hidden = !document.fullscreenEnabled;
document.addEventListener("keydown", (event) => {
  if (event.key === "f" && !event.ctrlKey && !event.metaKey && !event.altKey) toggleFull();
});
