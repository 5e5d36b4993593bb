// A real OpenID Connect provider for tests: `node provider.mjs SETTINGS.json`. It prints `ready` when it listens.
//
// Anybody signs in by name, without a password. GET /test/rotate gives it new keys; codes that were given stay good.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const require = createRequire(`${settings.modules}/`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const KINDS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

// Where codes and sessions lie, whichever keys the provider has.
const stored = new Map();

class Store {
  constructor(model) { this.model = model; }

  key(id) { return `${this.model}:${id}`; }

  async upsert(id, payload) { stored.set(this.key(id), payload); }

  async find(id) { return stored.get(this.key(id)); }

  async findByUid(uid) {
    return [...stored].find(([key, each]) => key.startsWith(`${this.model}:`) && each.uid === uid)?.[1];
  }

  async consume(id) { this.find(id).then((each) => { each.consumed = Math.floor(Date.now() / 1000); }); }

  async destroy(id) { stored.delete(this.key(id)); }

  async revokeByGrantId(grant) {
    for (const [key, each] of stored) if (each.grantId === grant) stored.delete(key);
  }
}

function newKey() {
  const key = KINDS[settings.algorithm]().privateKey.export({ format: 'jwk' });
  return { ...key, kid: randomUUID(), use: 'sig', alg: settings.algorithm };
}

function newProvider() {
  const provider = new Provider(settings.issuer, {
    adapter: Store,
    clients: [{
      client_id: 'leash',
      client_secret: settings.secret,
      redirect_uris: [`${settings.origin}/auth/oidc/${settings.name}/callback`],
      post_logout_redirect_uris: [`${settings.origin}/auth/oidc/${settings.name}/signed-out`],
      backchannel_logout_uri: settings.backchannel,
      backchannel_logout_session_required: true,
      token_endpoint_auth_method: settings.method,
      id_token_signed_response_alg: settings.algorithm,
      require_auth_time: false,
    }],
    claims: {
      openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'], groups: ['groups'],
      acr: null,
    },
    scopes: ['openid', 'profile', 'email', 'groups'],
    acrValues: ['strong'],
    conformIdTokenClaims: settings.isConform,
    cookies: { keys: ['only a test'] },
    features: { backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true }, devInteractions: { enabled: true } },
    fetch: (url, options) => { delete options.dispatcher; return globalThis.fetch(url, options); },
    findAccount: (_context, name) => ({
      accountId: name,
      claims: () => ({ sub: name, preferred_username: name, ...(settings.people[name] ?? {}) }),
    }),
    jwks: { keys: [newKey()] },
    pkce: { required: () => true },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 3600, Grant: 3600 },
  });
  provider.on('server_error', (_context, problem) => console.error(problem));
  return provider;
}

let answer = newProvider().callback();
const server = createServer((request, response) => {
  if (request.url === '/test/rotate') {
    answer = newProvider().callback();
    response.end('rotated');
    return;
  }
  answer(request, response);
});
server.listen(Number(new URL(settings.issuer).port), '127.0.0.1', () => console.log('ready'));
