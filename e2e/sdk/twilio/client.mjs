// What the tests share: the client as an application makes it, and the inbox.
import assert from 'node:assert/strict';
import twilio from 'twilio';

const { COUNTERSIGN_URL: base, COUNTERSIGN_INBOX: inbox, TWILIO_ACCOUNT_SID: account, TWILIO_AUTH_TOKEN: token } = process.env;
export { base };

// The five lines of examples/clients/countersign.mjs, which finds no package twilio
// from where it lies; shown.test.mjs compares the two.
export class Countersign extends twilio.RequestClient {
  constructor(base) { super(); this.base = base; }
  request(opts) { return super.request({ ...opts, uri: opts.uri.replace('https://verify.twilio.com', this.base) }); }
}

export const connect = (user = account, password = token, options = {}) =>
  twilio(user, password, { httpClient: new Countersign(base), ...options });

export const client = connect();
export const verify = client.verify.v2;
export const serviceSid = process.env.COUNTERSIGN_SERVICE;

// message waits for the newest message to an address.
export async function message(to) {
  const answer = await fetch(`${inbox}/wait?to=${encodeURIComponent(to)}&timeout=30s`);
  assert.equal(answer.status, 200);
  return answer.json();
}

export const code = async (to) => (await message(to)).code;
export const wrong = (right) => (right === '000000' ? '000001' : '000000');

// refused asserts that a promise ends in the package's RestException with a code and
// a status, and that moreInfo leads to a page of this server about that code.
export async function refused(promise, expected, status) {
  const error = await promise.then(() => assert.fail(`not refused with ${expected}`), (e) => e);
  assert.equal(error.constructor.name, 'RestException', `${error.stack}`);
  assert.deepEqual([error.code, error.status], [expected, status], error.message);
  assert.equal(error.moreInfo, `${base}/docs/errors/${expected}`);
  assert.ok(error.message.length > 0);
  const page = await fetch(error.moreInfo);
  assert.equal(page.status, 200);
  assert.match(await page.text(), new RegExp(String(expected)));
  return error;
}

// numbers gives numbers nobody else uses: each file, which has a process of its own,
// begins with another.
export function numbers(last) {
  return () => `+${++last}`;
}
