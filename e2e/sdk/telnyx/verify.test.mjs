// The official Telnyx package, unmodified: it finds Countersign by
// TELNYX_BASE_URL and TELNYX_API_KEY alone, as any application's would. The last
// test demands that each method the package has for Verify succeeded and was refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Telnyx from 'telnyx';

const inbox = process.env.COUNTERSIGN_INBOX;
const verify_profile_id = process.env.COUNTERSIGN_PROFILE;
const client = new Telnyx();

// watch notes which methods of a resource, and of those below it, were answered how.
const seen = { succeeded: new Set(), refused: new Set() };
const methods = new Set();

function watch(resource, path) {
  const own = Object.getOwnPropertyNames(Object.getPrototypeOf(resource)).filter((name) => name !== 'constructor');
  own.forEach((name) => methods.add(`${path}.${name}`));
  return new Proxy(resource, {
    get(target, name) {
      const value = target[name];
      if (!own.includes(name)) return value;
      return (...given) => {
        const answer = value.apply(target, given);
        answer.then(() => seen.succeeded.add(`${path}.${name}`), () => seen.refused.add(`${path}.${name}`));
        return answer;
      };
    },
  });
}

const verifications = watch(client.verifications, 'verifications');
const actions = watch(client.verifications.actions, 'verifications.actions');
const byPhoneNumber = watch(client.verifications.byPhoneNumber, 'verifications.byPhoneNumber');
const byNumberActions = watch(client.verifications.byPhoneNumber.actions, 'verifications.byPhoneNumber.actions');
const verifyProfiles = watch(client.verifyProfiles, 'verifyProfiles');

const nobody = '00000000-0000-7000-8000-000000000000';

// message waits for the newest message to a number.
async function message(to) {
  const answer = await fetch(`${inbox}/wait?to=${encodeURIComponent(to)}&timeout=30s`);
  assert.equal(answer.status, 200);
  return answer.json();
}

const code = async (to) => (await message(to)).code;
const wrong = (right) => (right === '000000' ? '000001' : '000000');

// refused waits for the package's own error, with Telnyx's code as a string.
async function refused(promise, kind, status, code, pointer) {
  await assert.rejects(promise, (err) => {
    assert.ok(err instanceof kind, `${err.constructor.name}: ${err.message}`);
    assert.equal(err.status, status);
    const [first] = err.error.errors;
    assert.equal(first.code, code, err.message);
    assert.equal(first.source?.pointer, pointer);
    assert.ok(first.title && first.detail && first.meta.url.endsWith(code), err.message);
    return true;
  });
}

const { BadRequestError, NotFoundError, UnprocessableEntityError, PermissionDeniedError, RateLimitError, AuthenticationError } = Telnyx;

test('starts, reads and verifies by id', async () => {
  const phone_number = '+13035551201';
  const { data: started } = await verifications.triggerSMS({ phone_number, verify_profile_id });
  assert.equal(started.status, 'pending');
  assert.equal(started.record_type, 'verification');
  assert.equal(started.phone_number, phone_number);
  assert.equal(started.type, 'sms');
  assert.equal(started.timeout_secs, 600);

  const right = await code(phone_number);
  const no = await actions.verify(started.id, { code: wrong(right) });
  assert.equal(no.data.response_code, 'rejected');
  const yes = await actions.verify(started.id, { code: right });
  assert.deepEqual(yes.data, { phone_number, response_code: 'accepted' });
  const twice = await actions.verify(started.id, { code: right });
  assert.equal(twice.data.response_code, 'rejected');

  const { data: read } = await verifications.retrieve(started.id);
  assert.equal(read.status, 'accepted');
  assert.equal(read.verify_profile_id, verify_profile_id);
});

for (const [method, type, phone_number] of [
  ['triggerSMS', 'sms', '+13035551211'],
  ['triggerCall', 'call', '+13035551212'],
  ['triggerWhatsappVerification', 'whatsapp', '+13035551213'],
  ['triggerFlashcall', 'flashcall', '+13035551214'],
]) {
  test(`${method} starts, and refuses what it cannot reach`, async () => {
    const { data } = await verifications[method]({ phone_number, verify_profile_id, timeout_secs: 120 });
    assert.equal(data.type, type);
    assert.equal(data.timeout_secs, 120);
    const got = await message(phone_number);
    assert.equal(got.channel, type);
    const yes = await actions.verify(data.id, { code: got.code });
    assert.equal(yes.data.response_code, 'accepted');

    const start = (body) => verifications[method]({ phone_number, verify_profile_id, ...body });
    await refused(start({ phone_number: '3035551234' }), UnprocessableEntityError, 422, '10016', '/phone_number');
    await refused(start({ phone_number: '+449098790000' }), BadRequestError, 400, '10002', '/phone_number');
    await refused(start({ phone_number: undefined }), BadRequestError, 400, '10004', '/phone_number');
    await refused(start({ verify_profile_id: 'mine' }), UnprocessableEntityError, 422, '10015', '/verify_profile_id');
    await refused(start({ verify_profile_id: nobody }), NotFoundError, 404, '10005', '/verify_profile_id');
    await refused(start({ timeout_secs: 0 }), UnprocessableEntityError, 422, '10033', '/timeout_secs');
    await refused(start({ custom_code: 'no' }), UnprocessableEntityError, 422, '10025', '/custom_code');
  });
}

test('a landline gets a call and no text', async () => {
  const phone_number = '+442071838750';
  await refused(verifications.triggerSMS({ phone_number, verify_profile_id }), BadRequestError, 400, '10002', '/phone_number');
  const { data } = await verifications.triggerCall({ phone_number, verify_profile_id, extension: '1w2W#' });
  const yes = await actions.verify(data.id, { code: await code(phone_number) });
  assert.equal(yes.data.response_code, 'accepted');
  const bad = verifications.triggerCall({ phone_number, verify_profile_id, extension: 'ring twice' });
  await refused(bad, UnprocessableEntityError, 422, '10027', '/extension');
});

test('verifies by phone number', async () => {
  const phone_number = '+13035551202';
  await verifications.triggerSMS({ phone_number, verify_profile_id });
  const right = await code(phone_number);
  const yes = await byNumberActions.verify(phone_number, { code: right, verify_profile_id });
  assert.deepEqual(yes.data, { phone_number, response_code: 'accepted' });

  const check = (number, body) => byNumberActions.verify(number, { code: right, verify_profile_id, ...body });
  await refused(check('+13035551299'), NotFoundError, 404, '10005');
  await refused(check('13035551202'), UnprocessableEntityError, 422, '10016', '/phone_number');
  await refused(check(phone_number, { verify_profile_id: undefined }), BadRequestError, 400, '10004', '/verify_profile_id');
  await refused(check(phone_number, { code: undefined }), BadRequestError, 400, '10004', '/code');
});

test('refuses to read and to check what is not there', async () => {
  await refused(verifications.retrieve(nobody), NotFoundError, 404, '10005');
  await refused(verifications.retrieve('mine'), NotFoundError, 404, '10005', '/verification_id');
  await refused(actions.verify(nobody, { code: '000000' }), NotFoundError, 404, '10005');
  await refused(actions.verify(nobody, {}), BadRequestError, 400, '10004', '/code');
});

test('a code of the application\'s own and a shorter validity', async () => {
  const phone_number = '+13035551203';
  const { data } = await verifications.triggerSMS({
    phone_number, verify_profile_id, custom_code: '48151623', timeout_secs: 60,
  });
  assert.equal(data.timeout_secs, 60);
  assert.equal(data.custom_code, null);
  assert.equal(await code(phone_number), '48151623');
  const yes = await actions.verify(data.id, { code: '48151623' });
  assert.equal(yes.data.response_code, 'accepted');
});

test('who chose the code may settle by status', async () => {
  for (const [phone_number, status, shown] of [
    ['+13035551221', 'accepted', 'accepted'], ['+13035551222', 'rejected', 'invalid'],
  ]) {
    const { data } = await verifications.triggerSMS({ phone_number, verify_profile_id, custom_code: '2342' });
    await refused(actions.verify(data.id, { status, code: '2342' }), BadRequestError, 400, '10015', '/status');
    await refused(actions.verify(data.id, { status: 'fine' }), UnprocessableEntityError, 422, '10032', '/status');
    const done = await actions.verify(data.id, { status });
    assert.equal(done.data.phone_number, phone_number);
    assert.equal(done.data.response_code, status);
    assert.equal((await verifications.retrieve(data.id)).data.status, shown);
    await refused(actions.verify(data.id, { status }), UnprocessableEntityError, 422, '10027');
  }
  const { data } = await verifications.triggerSMS({ phone_number: '+13035551223', verify_profile_id });
  await refused(actions.verify(data.id, { status: 'accepted' }), UnprocessableEntityError, 422, '10027', '/status');
  assert.equal((await verifications.retrieve(data.id)).data.status, 'pending');
});

test('lists a number\'s verifications, the newest first', async () => {
  const phone_number = '+13035551224';
  const ids = [];
  for (let i = 0; i < 3; i++) {
    const { data } = await verifications.triggerSMS({ phone_number, verify_profile_id, custom_code: '2342' });
    await actions.verify(data.id, { status: 'rejected' });
    ids.unshift(data.id);
  }
  const all = await byPhoneNumber.list(phone_number);
  assert.deepEqual(all.data.map((v) => v.id), ids);
  assert.ok(all.data.every((v) => v.phone_number === phone_number && v.status === 'invalid' && v.custom_code === null));
  assert.deepEqual(all.meta, { page_number: 1, page_size: 20, total_pages: 1, total_results: 3 });
  const second = await byPhoneNumber.list(phone_number, { query: { 'page[size]': 2, 'page[number]': 2 } });
  assert.deepEqual(second.data.map((v) => v.id), ids.slice(2));
  const none = await byPhoneNumber.list('+13035551298');
  assert.deepEqual(none.data, []);
  await refused(byPhoneNumber.list('3035551224'), UnprocessableEntityError, 422, '10016', '/phone_number');
  await refused(byPhoneNumber.list(phone_number, { query: { 'page[size]': 251 } }), UnprocessableEntityError, 422, '10033');
});

test('a wrong key, and a 429 that the package does not repeat', async () => {
  const phone_number = '+13035551225';
  const stranger = new Telnyx({ apiKey: 'KEYwrong' });
  await refused(stranger.verifications.triggerSMS({ phone_number, verify_profile_id }), AuthenticationError, 401, '10009');

  await verifications.triggerSMS({ phone_number, verify_profile_id });
  let asked = 0;
  const counting = new Telnyx({ fetch: (...given) => { asked++; return fetch(...given); } });
  const soon = counting.verifications.triggerSMS({ phone_number, verify_profile_id, custom_code: '2342' });
  await refused(soon, RateLimitError, 429, '10011');
  assert.equal(asked, 1);
});

test('two equal starts at once are one verification and one message', async () => {
  const phone_number = '+13035551205';
  const all = await Promise.all(Array.from({ length: 8 }, () => verifications.triggerSMS({ phone_number, verify_profile_id })));
  assert.equal(new Set(all.map((a) => a.data.id)).size, 1);
  const right = await code(phone_number);
  const answers = await Promise.all(all.map((a) => actions.verify(a.data.id, { code: right })));
  assert.equal(answers.filter((a) => a.data.response_code === 'accepted').length, 1);
  const list = await (await fetch(`${inbox}?to=${encodeURIComponent(phone_number)}`)).json();
  assert.equal(list.data.length, 1);
});

test('a profile is created, read, changed, used and deleted', async () => {
  const webhook_url = 'https://hooks.example.com/verify';
  const { data: made } = await verifyProfiles.create({
    name: 'A shop', language: 'de', webhook_url, webhook_failover_url: 'https://hooks.example.com/again',
    sms: { app_name: 'Shop', alpha_sender: 'SHOP', code_length: 8, default_verification_timeout_secs: 120, whitelisted_destinations: ['US', 'CA'] },
    call: { code_length: 4, whitelisted_destinations: ['US'] },
    flashcall: { default_verification_timeout_secs: 60, whitelisted_destinations: ['*'] },
    whatsapp: { sender_phone_number: '+13035550100', template_id: 't1', waba_id: 'w1', whitelisted_destinations: ['*'] },
  });
  assert.equal(made.record_type, 'verification_profile');
  assert.equal(made.webhook_url, webhook_url);
  assert.deepEqual(made.sms, {
    app_name: 'Shop', alpha_sender: 'SHOP', code_length: 8, default_verification_timeout_secs: 120, whitelisted_destinations: ['US', 'CA'],
  });
  assert.equal(made.call.code_length, 4);
  assert.equal(made.flashcall.default_verification_timeout_secs, 60);
  assert.equal(made.whatsapp.waba_id, 'w1');
  assert.deepEqual((await verifyProfiles.retrieve(made.id)).data, made);

  const { data: changed } = await verifyProfiles.update(made.id, { name: 'A bank', sms: { code_length: 5 }, webhook_url: null, webhook_failover_url: null });
  assert.equal(changed.name, 'A bank');
  assert.equal(changed.sms.code_length, 5);
  assert.equal(changed.sms.app_name, 'Shop');
  assert.deepEqual(changed.flashcall, made.flashcall);
  assert.equal(changed.webhook_url, undefined);

  const phone_number = '+13035551206';
  const { data: started } = await verifications.triggerSMS({ phone_number, verify_profile_id: made.id });
  assert.equal(started.timeout_secs, 120);
  assert.match(await code(phone_number), /^[0-9]{5}$/);
  const abroad = verifications.triggerSMS({ phone_number: '+4915123456789', verify_profile_id: made.id });
  await refused(abroad, BadRequestError, 400, '40309', '/phone_number');

  assert.deepEqual((await verifyProfiles.delete(made.id)).data, changed);
  await refused(verifyProfiles.delete(made.id), NotFoundError, 404, '10005', '/verify_profile_id');
  await refused(verifyProfiles.retrieve(made.id), NotFoundError, 404, '10005', '/verify_profile_id');
  await refused(verifyProfiles.update(made.id, { name: 'x' }), NotFoundError, 404, '10005', '/verify_profile_id');
});

test('a profile that cannot be is refused', async () => {
  const create = (body) => verifyProfiles.create({ name: 'x', ...body });
  await refused(create({ name: undefined }), BadRequestError, 400, '10004', '/name');
  await refused(create({ name: '' }), UnprocessableEntityError, 422, '10027', '/name');
  await refused(create({ sms: { code_length: 3 } }), UnprocessableEntityError, 422, '10027', '/code_length');
  await refused(create({ sms: { code_length: '6' } }), UnprocessableEntityError, 422, '10026', '/sms/code_length');
  await refused(create({ webhook_url: 'http://hooks.example.com' }), UnprocessableEntityError, 422, '10027', '/webhook_url');
  // The operator of this test has not said what a message costs.
  await refused(create({ daily_spend_limit: 5, daily_spend_limit_enabled: true }), UnprocessableEntityError, 422, '10027', '/daily_spend_limit');
  await refused(verifyProfiles.update(verify_profile_id, { name: 'x' }), PermissionDeniedError, 403, '10010');
  await refused(verifyProfiles.delete(verify_profile_id), PermissionDeniedError, 403, '10010');
});

test('the package\'s pager goes through every page of profiles', async () => {
  const made = [];
  for (const name of ['pager 1', 'pager 2', 'pager 3', 'pager 4', 'pager 5']) made.push((await verifyProfiles.create({ name })).data.id);
  const found = [];
  for await (const profile of verifyProfiles.list({ filter: { name: 'PAGER' }, 'page[size]': 2 })) found.push(profile.id);
  assert.deepEqual(found, made);

  const first = await verifyProfiles.list({ filter: { name: 'pager' }, 'page[size]': 2 });
  assert.deepEqual(first.meta, { page_number: 1, page_size: 2, total_pages: 3, total_results: 5 });
  const pages = [];
  for await (const page of first.iterPages()) pages.push(page.data.length);
  assert.deepEqual(pages, [2, 2, 1]);
  const past = await verifyProfiles.list({ filter: { name: 'pager' }, 'page[size]': 2, 'page[number]': 9 });
  assert.deepEqual(past.data, []);
  const all = await verifyProfiles.list();
  assert.equal(all.data[0].id, verify_profile_id);
  await refused(verifyProfiles.list({ 'page[number]': 0 }), UnprocessableEntityError, 422, '10033');
  for (const id of made) await verifyProfiles.delete(id);
});

test('message templates, the stock ones and one\'s own', async () => {
  const { data: stock } = await verifyProfiles.retrieveTemplates();
  assert.equal(stock.length, 6);
  const text = 'Hello from {{app_name}}: {{code}}, good for {{default_verification_timeout_secs}} minutes.';
  const { data: made } = await verifyProfiles.createTemplate({ text });
  assert.equal(made.text, text);
  assert.deepEqual((await verifyProfiles.retrieveTemplates()).data, [...stock, made]);

  const { data: profile } = await verifyProfiles.create({ name: 'T', sms: { app_name: 'Tea', messaging_template_id: made.id } });
  assert.equal(profile.sms.messaging_template_id, made.id);
  await verifications.triggerSMS({ phone_number: '+13035551231', verify_profile_id: profile.id });
  const first = await message('+13035551231');
  assert.equal(first.text, `Hello from Tea: ${first.code}, good for 10 minutes.`);

  const { data: changed } = await verifyProfiles.updateTemplate(made.id, { text: 'It is {{code}}' });
  assert.deepEqual(changed, { id: made.id, text: 'It is {{code}}' });
  await verifications.triggerSMS({ phone_number: '+13035551232', verify_profile_id: profile.id });
  const second = await message('+13035551232');
  assert.equal(second.text, `It is ${second.code}`);

  await refused(verifyProfiles.createTemplate({ text: 'Hello' }), UnprocessableEntityError, 422, '10027', '/text');
  await refused(verifyProfiles.createTemplate({}), BadRequestError, 400, '10004', '/text');
  await refused(verifyProfiles.updateTemplate(made.id, { text: '{{code}} {{x}}' }), UnprocessableEntityError, 422, '10027', '/text');
  await refused(verifyProfiles.updateTemplate(nobody, { text: '{{code}}' }), NotFoundError, 404, '10005', '/template_id');
  await refused(verifyProfiles.updateTemplate(stock[0].id, { text: '{{code}}' }), PermissionDeniedError, 403, '10010');

  const reader = watch(new Telnyx({ apiKey: 'KEYwrong' }).verifyProfiles, 'verifyProfiles');
  await refused(reader.retrieveTemplates(), AuthenticationError, 401, '10009');
});

test('every method that the package has for Verify succeeded and was refused', () => {
  assert.equal(methods.size, 16);
  for (const [how, which] of Object.entries(seen)) {
    assert.deepEqual([...methods].filter((m) => !which.has(m)), [], `never ${how}`);
  }
});
