// What a service is made of, by npm's twilio, unmodified: every method of every
// resource but entities, forms, tokens and passkeys.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base, client, code, numbers, refused, verify } from './client.mjs';

const number = numbers(13035552000);
const gone = (letters) => letters + '0'.repeat(32);

// paged asserts that a list is the same by list, each, page, getPage and their
// siblings, over several pages that the server links to.
async function paged(list, wanted, options = {}) {
  const all = await list.list({ ...options, pageSize: 2 });
  assert.deepEqual(new Set(all.map((x) => x.sid ?? x.country)), new Set(wanted));
  assert.equal(all.length, wanted.length);
  assert.ok(wanted.length > 2, 'one page is no paging');

  const seen = [];
  await new Promise((resolve, reject) => {
    list.each({ ...options, pageSize: 2, callback: (x) => seen.push(x.sid ?? x.country), done: (e) => (e ? reject(e) : resolve()) });
  });
  assert.deepEqual(seen, all.map((x) => x.sid ?? x.country));
  assert.equal((await list.list({ ...options, limit: 1 })).length, 1);

  const first = await list.page({ ...options, pageSize: 2 });
  assert.equal(first.instances.length, 2);
  assert.ok(first.nextPageUrl.startsWith(`${base}/v2/`), first.nextPageUrl);
  assert.equal(first.previousPageUrl, undefined);
  const second = await list.getPage(first.nextPageUrl);
  assert.ok(second.instances.length > 0);
  const back = await second.previousPage();
  assert.deepEqual(back.instances.map((x) => x.sid ?? x.country), first.instances.map((x) => x.sid ?? x.country));
  assert.deepEqual((await first.nextPage()).instances.length, second.instances.length);

  const told = await list.listWithHttpInfo({ ...options, limit: 2 });
  assert.deepEqual([told.statusCode, told.body.length], [200, 2]);
  const page = await list.pageWithHttpInfo({ ...options, pageSize: 2 });
  assert.equal(page.statusCode, 200);
  assert.equal((await list.getPageWithHttpInfo(first.nextPageUrl)).statusCode, 200);
  const each = [];
  await new Promise((resolve, reject) => {
    list.eachWithHttpInfo({ ...options, pageSize: 2, callback: (x) => each.push(x), done: (e) => (e ? reject(e) : resolve()) });
  });
  assert.equal(each.length, all.length);
}

// changed goes through the methods that a resource has by its sid.
async function changed(context, change, name, value) {
  assert.equal((await context.fetch())[name] === value, false);
  assert.equal((await context.update(change))[name], value);
  assert.equal((await context.fetch())[name], value);
  assert.equal((await context.fetchWithHttpInfo()).body[name], value);
  assert.equal((await context.updateWithHttpInfo(change)).statusCode, 200);
}

// removed deletes by the resource itself and by its sid, and sees both gone.
async function removed(first, second, missing = 20404) {
  assert.equal(await first.remove(), true);
  assert.equal((await second.removeWithHttpInfo()).statusCode, 204);
  await refused(first.fetch(), missing, 404);
  await refused(second.remove(), missing, 404);
}

test('services', async () => {
  const made = await Promise.all(['One', 'Two'].map((friendlyName) => verify.services.create({ friendlyName })));
  const { body: third } = await verify.services.createWithHttpInfo({ friendlyName: 'Three', codeLength: 8, ttsName: 'Drei', doNotShareWarningEnabled: true });
  assert.match(third.sid, /^VA[0-9a-f]{32}$/);
  assert.deepEqual(
    [third.accountSid, third.friendlyName, third.codeLength, third.ttsName, third.doNotShareWarningEnabled, third.customCodeEnabled],
    [client.accountSid, 'Three', 8, 'Drei', true, false],
  );
  assert.equal(third.links.verifications, `${base}/v2/Services/${third.sid}/Verifications`);
  const before = (await verify.services.list()).map((s) => s.sid);
  for (const s of [...made, third]) {
    assert.ok(before.includes(s.sid));
  }
  await paged(verify.services, before);

  const to = number();
  await verify.services(third.sid).verifications.create({ to, channel: 'sms' });
  assert.match(await code(to), /^\d{8}$/);

  await changed(verify.services(third.sid), { friendlyName: 'Third' }, 'friendlyName', 'Third');
  assert.equal((await third.update({ codeLength: 5 })).codeLength, 5);
  await refused(verify.services.create({ friendlyName: 'Call 12345' }), 60200, 400);
  await refused(verify.services.create({ friendlyName: 'x'.repeat(33) }), 60200, 400);
  await refused(verify.services.create({ friendlyName: 'Short', codeLength: 3 }), 60200, 400);
  await refused(third.update({ codeLength: 11 }), 60200, 400);
  await refused(verify.services(gone('VA')).fetch(), 20404, 404);
  await removed(made[0], verify.services(made[1].sid));
});

test('attempts, and their summary with conversion', async () => {
  const { sid } = await verify.services.create({ friendlyName: 'Attempts' });
  const service = verify.services(sid);
  const numbers = [number(), number(), number(), number()];
  const started = [];
  for (const to of numbers) {
    started.push(await service.verifications.create({ to, channel: 'sms' }));
  }
  await service.verificationChecks.create({ to: numbers[0], code: await code(numbers[0]) });

  const sids = started.map((v) => v.sendCodeAttempts[0].attempt_sid);
  await paged(verify.verificationAttempts, sids, { verifyServiceSid: sid });
  const converted = await verify.verificationAttempts.list({ verifyServiceSid: sid, status: 'converted' });
  assert.deepEqual(converted.map((a) => a.sid), [sids[0]]);
  const filters = [
    { verificationSid: started[1].sid }, { 'channelData.to': numbers[2] },
    { verifyServiceSid: sid, country: 'US', channel: 'sms', dateCreatedAfter: new Date(Date.now() - 3_600_000), dateCreatedBefore: new Date(Date.now() + 3_600_000) },
  ];
  assert.deepEqual(await Promise.all(filters.map(async (f) => (await verify.verificationAttempts.list(f)).length)), [1, 1, 4]);

  const attempt = await verify.verificationAttempts(sids[0]).fetch();
  assert.deepEqual(
    [attempt.accountSid, attempt.serviceSid, attempt.verificationSid, attempt.conversionStatus, attempt.channel, attempt.channelData.to],
    [client.accountSid, sid, started[0].sid, 'converted', 'sms', numbers[0]],
  );
  assert.equal((await attempt.fetchWithHttpInfo()).statusCode, 200);
  await refused(verify.verificationAttempts(gone('VL')).fetch(), 20404, 404);
  await refused(verify.verificationAttempts.list({ channel: 'pigeon' }), 60200, 400);

  const summary = await verify.verificationAttemptsSummary().fetch({ verifyServiceSid: sid });
  assert.deepEqual([summary.totalAttempts, summary.totalConverted, summary.totalUnconverted, Number(summary.conversionRatePercentage)], [4, 1, 3, 25]);
  const none = await verify.verificationAttemptsSummary().fetchWithHttpInfo({ verifyServiceSid: sid, country: 'DE', channel: 'sms', destinationPrefix: '+49' });
  assert.equal(none.body.totalAttempts, 0);
  await refused(verify.verificationAttemptsSummary().fetch({ channel: 'pigeon' }), 60200, 400);
});

test('templates', async () => {
  const all = await verify.templates.list();
  await paged(verify.templates, all.map((t) => t.sid));
  for (const t of all) {
    assert.match(t.sid, /^HJ[0-9a-f]{32}$/);
    assert.ok(t.channels.includes('sms'));
    assert.ok(Object.values(t.translations).every((x) => x.text.includes('{{code}}')), JSON.stringify(t.translations));
  }
  const named = await verify.templates.list({ friendlyName: all[0].friendlyName });
  assert.ok(named.length > 0 && named.length < all.length && named.every((t) => t.friendlyName.includes(all[0].friendlyName)));
});

test('rate limits and their buckets', async () => {
  const { sid } = await verify.services.create({ friendlyName: 'Limited' });
  const limits = verify.services(sid).rateLimits;
  const limit = await limits.create({ uniqueName: 'end_user_ip', description: 'by address' });
  assert.match(limit.sid, /^RK[0-9a-f]{32}$/);
  assert.deepEqual([limit.serviceSid, limit.accountSid, limit.uniqueName, limit.description], [sid, client.accountSid, 'end_user_ip', 'by address']);
  await refused(limits.create({ uniqueName: 'end_user_ip' }), 60208, 400);
  await refused(limits.create({ uniqueName: 'no spaces' }), 60209, 400);
  const { body: second } = await limits.createWithHttpInfo({ uniqueName: 'session' });
  const third = await limits.create({ uniqueName: 'tenant' });
  await paged(limits, [limit.sid, second.sid, third.sid]);
  await changed(limits(limit.sid), { description: 'by IP address' }, 'description', 'by IP address');
  assert.equal((await limit.update({ description: 'again' })).description, 'again');

  const bucket = await limit.buckets().create({ max: 2, interval: 60 });
  assert.match(bucket.sid, /^BL[0-9a-f]{32}$/);
  assert.deepEqual([bucket.rateLimitSid, bucket.serviceSid, bucket.max, bucket.interval], [limit.sid, sid, 2, 60]);
  const buckets = limits(limit.sid).buckets;
  await refused(buckets.create({ max: 9, interval: 60 }), 60211, 400);
  await refused(buckets.create({ max: 0, interval: 61 }), 60200, 400);
  const hour = await buckets.create({ max: 10, interval: 3600 });
  const { body: day } = await buckets.createWithHttpInfo({ max: 20, interval: 86400 });
  await paged(buckets, [bucket.sid, hour.sid, day.sid]);
  await changed(buckets(day.sid), { max: 30 }, 'max', 30);
  assert.equal((await hour.update({ interval: 7200 })).interval, 7200);
  await removed(hour, buckets(day.sid));

  const start = () => verify.services(sid).verifications.create({ to: number(), channel: 'sms', rateLimits: { end_user_ip: '192.0.2.1' } });
  await start();
  await start();
  await refused(start(), 60207, 429);
  await removed(second, limits(third.sid));
});

test('messaging configurations', async () => {
  const { sid } = await verify.services.create({ friendlyName: 'Countries' });
  const configurations = verify.services(sid).messagingConfigurations;
  const messagingServiceSid = `MG${'1'.repeat(32)}`;
  const us = await configurations.create({ country: 'US', messagingServiceSid });
  assert.deepEqual([us.country, us.serviceSid, us.accountSid, us.messagingServiceSid], ['US', sid, client.accountSid, messagingServiceSid]);
  await refused(configurations.create({ country: 'US', messagingServiceSid }), 60213, 400);
  await refused(configurations.create({ country: 'XX', messagingServiceSid }), 60200, 400);
  await refused(configurations.create({ country: 'FR', messagingServiceSid: 'MG1' }), 60200, 400);
  const { body: fi } = await configurations.createWithHttpInfo({ country: 'FI', messagingServiceSid });
  await configurations.create({ country: 'all', messagingServiceSid });
  await paged(configurations, ['US', 'FI', 'all']);
  const another = `MG${'2'.repeat(32)}`;
  await changed(configurations('US'), { messagingServiceSid: another }, 'messagingServiceSid', another);
  assert.equal((await us.update({ messagingServiceSid })).messagingServiceSid, messagingServiceSid);
  await removed(us, configurations(fi.country));
});

test('the safe list', async () => {
  const [first, second] = [number(), number()];
  const safe = await verify.safelist.create({ phoneNumber: first });
  assert.match(safe.sid, /^GN[0-9a-f]{32}$/);
  assert.equal(safe.phoneNumber, first);
  assert.equal((await verify.safelist(first).fetch()).sid, safe.sid);
  assert.equal((await verify.safelist(first).fetchWithHttpInfo()).statusCode, 200);
  assert.equal((await verify.safelist.createWithHttpInfo({ phoneNumber: second })).statusCode, 201);
  await refused(verify.safelist.create({ phoneNumber: '12345' }), 60200, 400);
  await removed(safe, verify.safelist(second));
});

test('webhooks', async () => {
  const { sid } = await verify.services.create({ friendlyName: 'Hooks' });
  const webhooks = verify.services(sid).webhooks;
  const create = (friendlyName, more = {}) =>
    webhooks.create({ friendlyName, eventTypes: ['*'], webhookUrl: 'https://example.com/hook', ...more });
  const hook = await create('first', { status: 'enabled', version: 'v2' });
  assert.match(hook.sid, /^YW[0-9a-f]{32}$/);
  assert.deepEqual(
    [hook.serviceSid, hook.accountSid, hook.friendlyName, hook.eventTypes, hook.status, hook.webhookUrl, hook.webhookMethod],
    [sid, client.accountSid, 'first', ['*'], 'enabled', 'https://example.com/hook', 'POST'],
  );
  const second = await create('second');
  const { body: third } = await webhooks.createWithHttpInfo({ friendlyName: 'third', eventTypes: ['*'], webhookUrl: 'https://example.com/third' });
  await paged(webhooks, [hook.sid, second.sid, third.sid]);
  await changed(webhooks(hook.sid), { status: 'disabled' }, 'status', 'disabled');
  assert.equal((await hook.update({ webhookUrl: 'https://example.com/other' })).webhookUrl, 'https://example.com/other');
  await refused(create('bad', { webhookUrl: 'ftp://example.com' }), 60200, 400);
  await refused(create('bad', { eventTypes: [] }), 60200, 400);
  await refused(create('bad', { eventTypes: ['pigeon.landed'] }), 60200, 400);
  await removed(second, webhooks(third.sid));
});
