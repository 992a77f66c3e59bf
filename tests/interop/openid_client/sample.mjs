// Calls the sample of docs/libraries.md as a framework would, with one session for its one
// citizen: writes where the browser is sent, reads where it came back, writes who it is.

import { createInterface } from 'node:readline/promises'

const { login, callback } = await import(process.argv[2])
const session = {}
console.log((await login(session)).href)
const back = await createInterface({ input: process.stdin }).question('')
console.log(JSON.stringify(await callback(new URL(back), session)))
process.exit(0)
