// Reads the feed with the client of Durable Streams until the item about END, and prints each item as a line.
// Arguments: URL, authorization, mode (catch-up, long-poll, sse, or resume: one batch in each session), END.
import { stream } from "@durable-streams/client"

const [url, authorization, mode, end] = process.argv.slice(2)
let offset = "-1"
let ended = false

function print(items) {
  for (const item of items) {
    console.log(JSON.stringify(item))
    ended ||= item.subject === end && item.type === "EntityChanged"
  }
}

async function session(live) {
  const abort = new AbortController()
  const response = await stream({ url, headers: { authorization }, offset, live, json: true, signal: abort.signal })
  await new Promise((resolve, reject) => {
    response.subscribeJson(async (batch) => {
      if (ended || abort.signal.aborted) return
      print(batch.items)
      offset = batch.offset
      if (ended || (mode === "resume" && batch.items.length > 0)) {
        abort.abort()
        resolve()
      }
    })
    response.closed.then(resolve, (error) => (abort.signal.aborted ? resolve() : reject(error)))
  })
}

while (!ended) {
  if (mode === "catch-up") {
    const response = await stream({ url, headers: { authorization }, offset, live: false, json: true })
    print(await response.json())
    offset = response.offset
  } else {
    await session(mode === "sse" ? "sse" : "long-poll")
  }
}
process.exit(0)
