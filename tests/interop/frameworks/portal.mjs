// A portal on loopback that is built with a web framework, and the citizen's browser there.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { done, visit } from '../driver.mjs'

const MAX_HOPS = 10

// Starts a server for what `build(url)` makes of its own URL, a request listener.
export async function serve(build) {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://localhost:${server.address().port}`
  server.on('request', await build(url))
  return url
}

// The portal's cookies of one browser.
class Cookies {
  #held = new Map()

  take(response) {
    for (const each of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(each)
      this.#held.set(name, value)
    }
  }

  get header() {
    return [...this.#held].map(([name, value]) => `${name}=${value}`).join('; ')
  }
}

// Opens a URL of the portal and follows it, to the provider and back, until a page is shown.
export async function browse(start, { cookies = new Cookies(), ...how } = {}) {
  let url = new URL(start)
  let options = how
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const headers = { ...options.headers, cookie: cookies.header }
    const response = await fetch(url, { ...options, headers, redirect: 'manual' })
    cookies.take(response)
    const location = response.headers.get('location')
    if (!location) return { response, cookies }
    const next = new URL(location, url)
    url = next.origin === url.origin ? next : await visit(next)
    options = {}
  }
  throw new Error('the portal redirects without an end')
}

// Ends the program with what the portal's page shows: `{claims, userinfo}`.
export async function tell({ response }) {
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status}: ${text}`)
  done(JSON.parse(text))
}
