// The live view: one fetch that never ends, opened anew when it breaks.
// fetch, not EventSource, because a key travels in a header.

const SILENCE_MS = 6000;
const LONGEST_WAIT_MS = 8000;

/**
 * on.view(view), on.lost(seconds until the next try), on.locked(reason).
 * Returns what ends it.
 */
export function follow(address, headers, on) {
  let stop = new AbortController();
  let wait = 500;
  let timer = 0;

  async function run(mine) {
    try {
      const answer = await fetch(address(), { headers: headers(), signal: mine.signal, cache: "no-store" });
      if (answer.status === 401 || answer.status === 403) {
        const body = await answer.json();
        return on.locked(body.error?.message ?? "this key is not accepted");
      }
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      await read(answer.body, mine, (view) => {
        wait = 500;
        if (mine === stop) on.view(view);
      });
    } catch (error) {
      if (error instanceof SyntaxError) throw error;
    }
    if (mine === stop) again();
  }

  function again() {
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    on.lost(wait / 1000);
    timer = setTimeout(restart, wait);
  }

  function restart() {
    clearTimeout(timer);
    stop.abort();
    stop = new AbortController();
    if (!document.hidden) run(stop);
  }

  function end() {
    document.removeEventListener("visibilitychange", restart);
    clearTimeout(timer);
    const last = stop;
    stop = null;
    last.abort();
  }

  document.addEventListener("visibilitychange", restart);
  restart();
  return end;
}

async function read(body, mine, each) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let watchdog = 0;
  const patience = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => mine.abort(), SILENCE_MS);
  };
  try {
    for (;;) {
      patience();
      const { value, done } = await reader.read();
      if (done) return;
      const messages = (rest + value).split("\n\n");
      rest = messages.pop();
      for (const message of messages) if (message.startsWith("data: ")) each(JSON.parse(message.slice(6)));
    }
  } finally {
    clearTimeout(watchdog);
  }
}
