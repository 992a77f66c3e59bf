// The peer of the benchmark: npm's oidc-provider with one relying party and one citizen, who is
// logged in and has consented as soon as anybody asks. Everything is in this process's memory.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const port = Number(process.env.BENCH_PORT);
const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });

// The provider's own memory store forgets all but the newest thousand: the session among them.
const kept = new Map();
const uids = new Map();

class Memory {
  constructor(kind) {
    this.kind = kind;
  }

  async upsert(id, payload) {
    kept.set(`${this.kind}:${id}`, payload);
    if (payload.uid) uids.set(`${this.kind}:${payload.uid}`, id);
  }

  async find(id) {
    return kept.get(`${this.kind}:${id}`);
  }

  async findByUid(uid) {
    return this.find(uids.get(`${this.kind}:${uid}`));
  }

  async consume(id) {
    kept.get(`${this.kind}:${id}`).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    kept.delete(`${this.kind}:${id}`);
  }

  async revokeByGrantId() {}
}

const provider = new Provider(`http://localhost:${port}`, {
  adapter: Memory,
  clients: [
    {
      client_id: process.env.BENCH_CLIENT,
      client_secret: process.env.BENCH_SECRET,
      redirect_uris: [process.env.BENCH_REDIRECT],
      response_types: ["code"],
      grant_types: ["authorization_code", "client_credentials"],
      token_endpoint_auth_method: "client_secret_basic",
      id_token_signed_response_alg: "ES256",
    },
  ],
  jwks: { keys: [{ ...key, use: "sig", alg: "ES256" }] },
  cookies: { keys: [randomBytes(32).toString("hex")] },
  features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true } },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  async loadExistingGrant(ctx) {
    const { client, session, provider: own } = ctx.oidc;
    const known = session.grantIdFor(client.clientId);
    if (known) return own.Grant.find(known);
    const grant = new own.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid");
    await grant.save();
    return grant;
  },
});

const answer = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith("/interaction/")) return answer(request, response);
  await provider.interactionFinished(request, response, { login: { accountId: "citizen" } });
}).listen(port, "127.0.0.1");
