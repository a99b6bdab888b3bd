// An example: a small application with a user name and a password, and a second factor
// behind them by way of Countersign. It verifies the proof itself, with the package jose
// and the service's public keys. One demonstration user, nothing kept, no limit on guesses
// of passwords: to be read, not to be run for others.
import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { promisify } from 'node:util';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { page } from './page.mjs';

const port = Number(process.env.PORT || 8080);
const server = (process.env.COUNTERSIGN_URL || 'http://127.0.0.1:3000').replace(/\/+$/, '');
const apiKey = process.env.COUNTERSIGN_API_KEY;
const profile = process.env.COUNTERSIGN_PROFILE_ID;
if (!apiKey || !profile) {
  console.error('Set COUNTERSIGN_URL, COUNTERSIGN_API_KEY and COUNTERSIGN_PROFILE_ID, as countersign dev prints them.');
  process.exit(1);
}
const host = `127.0.0.1:${port}`;
const base = `http://${host}`;
const returnURL = `${base}/second-factor`; // one of the profile's return_urls
const style = await readFile(new URL('page.css', import.meta.url));
const random = () => randomBytes(24).toString('base64url');

// Comparing hashes takes the same time wherever two texts differ.
const same = (a, b) => {
  const sum = (text) => createHash('sha256').update(String(text)).digest();
  return timingSafeEqual(sum(a), sum(b));
};

// ---- The user: one, for the demonstration.

const hash = (password, salt) => promisify(scrypt)(password, salt, 32, { N: 2 ** 15, r: 8, p: 3, maxmem: 64 << 20 });
const password = random().slice(0, 12);
const salt = randomBytes(16);
const demo = { name: 'demo', phone: process.env.DEMO_PHONE || '+12015550123', hash: await hash(password, salt) };

// A wrong name takes as long as a wrong password.
async function rightPassword(name, given) {
  const right = timingSafeEqual(await hash(given, salt), demo.hash);
  return same(name, demo.name) && right;
}

// ---- Sessions: the server keeps them, the browser has nothing but an id.

const NOBODY = 0, HALFWAY = 1, EVERYTHING = 2; // nothing; the password; and the second factor
const minutes = { [HALFWAY]: 40, [EVERYTHING]: 12 * 60 };
const sessions = new Map();

function sessionOf(req) {
  const id = /(?:^|; )session=([\w-]+)/.exec(req.headers.cookie ?? '')?.[1];
  const found = sessions.get(id);
  return found && Date.now() < found.until ? found : { level: NOBODY };
}

// Each level has a new id: one that somebody knew before is worth nothing after. The
// cookie is Lax, not Strict, since the person comes back by a link of another site; behind
// https it would be Secure as well, and its name begin with __Host-.
function renew(req, res, next) {
  sessions.delete(sessionOf(req).id);
  for (const [id, s] of sessions) if (Date.now() >= s.until) sessions.delete(id);
  if (next.level === NOBODY) {
    res.setHeader('Set-Cookie', 'session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0');
    return next;
  }
  const s = { ...next, id: random(), since: new Date(), until: Date.now() + minutes[next.level] * 60_000 };
  sessions.set(s.id, s);
  res.setHeader('Set-Cookie', `session=${s.id}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${minutes[next.level] * 60}`);
  return s;
}

// ---- Countersign.

// Fetched when first needed, kept, and fetched again for an unknown key: at most once a minute.
const keys = createRemoteJWKSet(new URL(`${server}/.well-known/jwks.json`), { cooldownDuration: 60_000, timeoutDuration: 10_000 });

// begin makes a session there and says where to send the person. What the answer must
// match stays in our own session, where the person cannot change it.
async function begin(session) {
  const state = random();
  const res = await fetch(`${server}/v2/verification_sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      verify_profile_id: profile, phone_number: demo.phone, return_url: returnURL, state, purpose: 'sign in to Example Notes',
    }),
    redirect: 'error',
    signal: AbortSignal.timeout(10_000),
  });
  if (!res.ok) throw new Error(`Countersign answered ${res.status}: ${(await res.text()).slice(0, 500)}`);
  const { data } = await res.json();
  session.pending = { id: data.id, state };
  return data.url;
}

class NoProof extends Error {
  constructor(notice) { super(notice); this.notice = notice; }
}

// finish reads what the person came back with. The pending question is gone after its
// answer, whatever that was, and so an answer is good once. A link from elsewhere is none.
async function finish(session, query) {
  const asked = session.pending;
  if (!asked || !same(query.get('state'), asked.state) || !same(query.get('session_id'), asked.id)) throw new NoProof('state');
  session.pending = undefined;
  if (query.has('error')) throw new NoProof(['canceled', 'expired'].includes(query.get('error')) ? query.get('error') : 'proof');
  const token = query.get('proof') ?? '';
  if (token.length > 8192) throw new NoProof('proof');
  let proof;
  try {
    ({ payload: proof } = await jwtVerify(token, keys, {
      algorithms: ['EdDSA'], typ: 'proof+jwt', issuer: server, audience: profile, clockTolerance: 30,
      requiredClaims: ['exp', 'iat', 'sub', 'jti', 'nonce', 'auth_time', 'assurance'],
    }));
  } catch (err) {
    if (err instanceof errors.JWTExpired) throw new NoProof('expired');
    if (err instanceof errors.JWKSTimeout || !(err instanceof errors.JOSEError)) throw new NoProof('service');
    throw new NoProof('proof');
  }
  if (!same(proof.nonce, asked.state) || !same(proof.jti, asked.id)) throw new NoProof('proof');
  // address_confirmed is an e-mail, and no second factor.
  if (!['restricted', 'out_of_band'].includes(proof.assurance)) throw new NoProof('proof');
  // Without it the person typed a number of their own, which is anybody's.
  if (proof.address_given !== true) throw new NoProof('proof');
  return proof;
}

// ---- The pages.

const notices = {
  password: 'That user name and password do not belong together.',
  again: 'Please sign in first.',
  canceled: 'You left before the second step was done. Try again whenever you like.',
  state: 'That answer was not for this visit. Please try the second step again.',
  expired: 'That took too long. Please try the second step again.',
  proof: 'That answer was not good. Please try the second step again.',
  service: 'The second step does not work at the moment. Please try again in a minute.',
};

function show(res, session, view, status = 200) {
  const name = session.level === NOBODY ? view.name : demo.name;
  res.writeHead(status, { 'content-type': 'text/html; charset=utf-8' });
  res.end(page({ ...session, notice: notices[view.notice], name }));
}

function redirect(res, to) {
  res.writeHead(303, { location: to });
  res.end();
}

async function secondStep(res, session) {
  if (session.level !== HALFWAY) return redirect(res, '/?notice=again');
  try {
    redirect(res, await begin(session));
  } catch (err) {
    console.error('no second factor:', err.message);
    redirect(res, '/?notice=service');
  }
}

const routes = {
  'GET /': (req, res, url) => show(res, sessionOf(req), { notice: url.searchParams.get('notice') }),
  'GET /page.css': (req, res) => res.writeHead(200, { 'content-type': 'text/css; charset=utf-8' }).end(style),
  'POST /sign-in': async (req, res) => {
    const form = await formOf(req);
    const name = form.get('name') ?? '';
    if (!(await rightPassword(name, form.get('password') ?? ''))) return show(res, sessionOf(req), { notice: 'password', name }, 422);
    return secondStep(res, renew(req, res, { level: HALFWAY }));
  },
  'POST /second-step': (req, res) => secondStep(res, sessionOf(req)),
  'GET /second-factor': async (req, res, url) => {
    const session = sessionOf(req);
    if (session.level === NOBODY) return redirect(res, '/?notice=again');
    if (session.level === EVERYTHING) return redirect(res, '/'); // by the back button, and the link on Countersign's last page
    try {
      const proof = await finish(session, url.searchParams);
      renew(req, res, { level: EVERYTHING, channel: proof.channel });
      return redirect(res, '/');
    } catch (err) {
      if (!(err instanceof NoProof)) throw err;
      console.error('no second factor:', err.notice);
      return redirect(res, `/?notice=${err.notice}`);
    }
  },
  'POST /sign-out': (req, res) => {
    renew(req, res, { level: NOBODY });
    redirect(res, '/');
  },
};

async function formOf(req) {
  let text = '';
  for await (const part of req.setEncoding('utf8')) {
    text += part;
    if (text.length > 8192) throw new Error('the form is too long');
  }
  return new URLSearchParams(text);
}

// fromElsewhere says whether another site's page sent a form: browsers say so themselves,
// and there is no token to carry.
function fromElsewhere(req) {
  if (req.method === 'GET') return false;
  const site = req.headers['sec-fetch-site'];
  if (site) return site !== 'same-origin' && site !== 'none';
  return req.headers.origin !== undefined && req.headers.origin !== base;
}

async function serve(req, res) {
  for (const [name, value] of Object.entries({
    // Chrome holds redirects after a form against form-action too: one leads to Countersign.
    'content-security-policy': `default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' ${server}`,
    'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store',
  })) res.setHeader(name, value);
  if (req.headers.host !== host) return redirect(res, base); // localhost has other cookies than 127.0.0.1
  if (fromElsewhere(req)) return res.writeHead(403).end('This form was sent by another site.\n');
  const url = new URL(req.url, base);
  const name = `${req.method} ${url.pathname}`;
  return Object.hasOwn(routes, name) ? routes[name](req, res, url) : res.writeHead(404).end('There is no such page.\n');
}

http.createServer({ requestTimeout: 30_000 }, (req, res) => {
  serve(req, res).catch((err) => {
    console.error(err.message);
    if (!res.headersSent) res.writeHead(400);
    res.end();
  });
}).listen(port, '127.0.0.1', () => {
  console.log(`This is a demonstration. Open ${base}\nuser name: ${demo.name}\npassword:  ${password}`);
});
