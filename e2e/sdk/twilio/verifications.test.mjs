// Verifications and their checks by npm's twilio, unmodified.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client, code, connect, message, numbers, refused, serviceSid, verify, wrong } from './client.mjs';

const number = numbers(13035553000);
const service = verify.services(serviceSid);
const start = (to, more = {}) => service.verifications.create({ to, channel: 'sms', ...more });
const check = (to, code) => service.verificationChecks.create({ to, code });

test('starts, fetches, and approves with the right code once', async () => {
  const to = number();
  const started = await start(to);
  assert.match(started.sid, /^VE[0-9a-f]{32}$/);
  assert.deepEqual(
    [started.serviceSid, started.accountSid, started.to, started.channel, started.status, started.valid],
    [serviceSid, client.accountSid, to, 'sms', 'pending', false],
  );
  assert.deepEqual([started.amount, started.payee, started.sna], [null, null, null]);
  assert.ok(Math.abs(Date.now() - started.dateCreated.getTime()) < 60_000);
  assert.match(started.sendCodeAttempts[0].attempt_sid, /^VL[0-9a-f]{32}$/);

  assert.equal((await service.verifications(started.sid).fetch()).status, 'pending');
  assert.equal((await service.verifications(to).fetch()).sid, started.sid);
  assert.equal((await started.fetch()).sid, started.sid);

  const right = await code(to);
  const no = await check(to, wrong(right));
  assert.deepEqual([no.status, no.valid, no.sid], ['pending', false, started.sid]);
  const yes = await service.verificationChecks.create({ verificationSid: started.sid, code: right });
  assert.deepEqual([yes.status, yes.valid, yes.to, yes.channel], ['approved', true, to, 'sms']);

  await refused(check(to, right), 20404, 404);
  await refused(service.verifications(started.sid).fetch(), 20404, 404);
});

test('methods that give the HTTP answer too', async () => {
  const to = number();
  const started = await service.verifications.createWithHttpInfo({ to, channel: 'sms' });
  assert.equal(started.statusCode, 201);
  const sid = started.body.sid;
  assert.equal((await service.verifications(sid).fetchWithHttpInfo()).statusCode, 200);
  assert.equal((await service.verificationChecks.createWithHttpInfo({ to, code: await code(to) })).body.status, 'approved');
  const other = await start(number());
  assert.equal((await service.verifications(other.sid).updateWithHttpInfo({ status: 'canceled' })).body.status, 'canceled');
});

test('an e-mail, from the start to the approval', async () => {
  const to = `ada+${Date.now()}@example.com`;
  const started = await start(to, { channel: 'email' });
  assert.deepEqual([started.to, started.channel, started.sendCodeAttempts[0].channel], [to, 'email', 'EMAIL']);
  const mail = await message(to);
  assert.equal(mail.channel, 'email');
  assert.ok(mail.subject.length > 0);
  assert.ok(mail.text.includes(mail.code));
  assert.equal((await check(to, mail.code)).status, 'approved');
});

test('a call says the code twice, digit by digit, in the locale, after the keys', async () => {
  const to = number();
  const started = await start(to, { channel: 'call', locale: 'de', sendDigits: '1234' });
  assert.equal(started.channel, 'call');
  const call = await message(to);
  assert.deepEqual([call.channel, call.keys], ['call', '1234']);
  const spoken = [...call.code].join(', ');
  assert.equal(call.text.split(spoken).length - 1, 2, call.text);
  assert.match(call.text, /Ihr|Dein/);
  assert.equal((await check(to, call.code)).valid, true);
});

test('whatsapp, and the channel that the server may choose', async () => {
  const to = number();
  assert.equal((await start(to, { channel: 'whatsapp' })).channel, 'whatsapp');
  assert.equal((await check(to, await code(to))).valid, true);
  const auto = number();
  assert.equal((await start(auto, { channel: 'auto' })).channel, 'sms');
});

test('a text in a language, for an app, with tags', async () => {
  const to = number();
  const hash = 'a1B2c3D4e5F';
  await start(to, { locale: 'fr', appHash: hash, tags: JSON.stringify({ plan: 'gold' }), riskCheck: 'enable' });
  const text = (await message(to)).text;
  assert.ok(text.trimEnd().endsWith(hash), text);
  assert.match(text, /code/);
});

test('an equal start at once is one verification and one message', async () => {
  const to = number();
  const all = await Promise.all(Array.from({ length: 8 }, () => start(to)));
  assert.equal(new Set(all.map((v) => v.sid)).size, 1);
  assert.equal(all.at(-1).sendCodeAttempts.length, 1);
});

test('an update approves or cancels', async () => {
  const approved = await start(number());
  assert.equal((await approved.update({ status: 'approved' })).status, 'approved');
  const to = number();
  await start(to);
  assert.equal((await service.verifications(to).update({ status: 'canceled' })).status, 'canceled');
  await refused(service.verifications(to).update({ status: 'canceled' }), 20404, 404);
  const other = await start(number());
  await refused(service.verifications(other.sid).update({ status: 'pending' }), 60200, 400);
});

test('five wrong codes end a verification', async () => {
  const to = number();
  await start(to);
  const right = await code(to);
  for (let i = 0; i < 5; i++) {
    await check(to, wrong(right)).catch(() => {});
  }
  await refused(check(to, right), 60202, 429);
});

test('a code of the application\'s own, a payment, a template', async () => {
  const own = await verify.services.create({ friendlyName: 'Own codes', customCodeEnabled: true });
  const to = number();
  await verify.services(own.sid).verifications.create({ to, channel: 'sms', customCode: '48151623' });
  assert.equal(await code(to), '48151623');
  const yes = await verify.services(own.sid).verificationChecks.create({ to, code: '48151623' });
  assert.equal(yes.status, 'approved');

  const bank = await verify.services.create({ friendlyName: 'Bank', psd2Enabled: true });
  const [payer, pays] = [number(), { amount: '12.50 EUR', payee: 'Acme' }];
  const payment = await verify.services(bank.sid).verifications.create({ to: payer, channel: 'sms', ...pays });
  assert.deepEqual([payment.amount, payment.payee], [pays.amount, pays.payee]);
  const paid = await verify.services(bank.sid).verificationChecks.create({ to: payer, code: await code(payer), ...pays });
  assert.deepEqual([paid.status, paid.amount, paid.payee], ['approved', pays.amount, pays.payee]);
  await refused(verify.services(bank.sid).verifications.create({ to: number(), channel: 'sms' }), 60206, 400);

  const [template] = await verify.templates.list({ limit: 1 });
  const told = number();
  await start(told, { templateSid: template.sid });
  assert.match((await message(told)).text, /\d{6}/);
});

test('refusals are the package\'s RestException', async () => {
  await refused(start('3035551234'), 60200, 400);
  await refused(start('+442071838750'), 60205, 403);
  await refused(start(number(), { channel: 'pigeon' }), 60200, 400);
  await refused(start(number(), { channel: 'sna' }), 60223, 400);
  const plain = await verify.services.create({ friendlyName: 'Plain' });
  await refused(verify.services(plain.sid).verifications.create({ to: number(), channel: 'sms', customCode: '123456' }), 60204, 403);
  await refused(start(number(), { locale: 'xx' }), 60200, 400);
  await refused(service.verificationChecks.create({ code: '123456' }), 60221, 400);
  await refused(check(number(), '123456'), 20404, 404);
  const nobody = `VA${'0'.repeat(32)}`;
  await refused(verify.services(nobody).verifications.create({ to: number(), channel: 'sms' }), 20404, 404);
  const stranger = connect(client.accountSid, 'KEYwrong');
  await refused(stranger.verify.v2.services(serviceSid).verifications.create({ to: number(), channel: 'sms' }), 20003, 401);
});

test('a resend that comes too soon says when it may come, and autoRetry costs nothing', async () => {
  const to = number();
  const retrying = connect(undefined, undefined, { autoRetry: true });
  await start(to);
  const error = await refused(retrying.verify.v2.services(serviceSid).verifications.create({ to, channel: 'call' }), 60203, 429);
  assert.match(error.message, /Retry-After/);
  assert.equal((await service.verifications(to).fetch()).sendCodeAttempts.length, 1);
});

test('what this server does not have is not found', async () => {
  await refused(service.entities('7c9e6679').fetch(), 20404, 404);
  await refused(service.entities.create({ identity: '7c9e6679-7425-40de-944b-e07fc1f90ae7' }), 20404, 404);
  await refused(service.accessTokens.create({ identity: 'x', factorType: 'push' }), 20404, 404);
  await refused(verify.forms('form-push').fetch(), 20404, 404);
});
