// The official Telnyx package, unmodified: it finds Countersign by
// TELNYX_BASE_URL and TELNYX_API_KEY alone, as any application's would.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Telnyx from 'telnyx';

const inbox = process.env.COUNTERSIGN_INBOX;
const verify_profile_id = process.env.COUNTERSIGN_PROFILE;
const client = new Telnyx();

// code waits for the message to a number and takes the code out of it.
async function code(to) {
  const answer = await fetch(`${inbox}/wait?to=${encodeURIComponent(to)}&timeout=30s`);
  assert.equal(answer.status, 200);
  return (await answer.json()).code;
}

const wrong = (right) => (right === '000000' ? '000001' : '000000');

test('starts, reads and verifies by id', async () => {
  const phone_number = '+13035551201';
  const { data: started } = await client.verifications.triggerSMS({ phone_number, verify_profile_id });
  assert.equal(started.status, 'pending');
  assert.equal(started.record_type, 'verification');
  assert.equal(started.phone_number, phone_number);
  assert.equal(started.type, 'sms');
  assert.equal(started.timeout_secs, 600);

  const right = await code(phone_number);
  const no = await client.verifications.actions.verify(started.id, { code: wrong(right) });
  assert.equal(no.data.response_code, 'rejected');
  const yes = await client.verifications.actions.verify(started.id, { code: right });
  assert.deepEqual(yes.data, { phone_number, response_code: 'accepted' });
  const twice = await client.verifications.actions.verify(started.id, { code: right });
  assert.equal(twice.data.response_code, 'rejected');

  const { data: read } = await client.verifications.retrieve(started.id);
  assert.equal(read.status, 'accepted');
  assert.equal(read.verify_profile_id, verify_profile_id);
});

test('verifies by phone number', async () => {
  const phone_number = '+13035551202';
  await client.verifications.triggerSMS({ phone_number, verify_profile_id });
  const right = await code(phone_number);
  const yes = await client.verifications.byPhoneNumber.actions.verify(phone_number, { code: right, verify_profile_id });
  assert.deepEqual(yes.data, { phone_number, response_code: 'accepted' });
});

test('a code of the application\'s own and a shorter validity', async () => {
  const phone_number = '+13035551203';
  const { data } = await client.verifications.triggerSMS({
    phone_number, verify_profile_id, custom_code: '48151623', timeout_secs: 60,
  });
  assert.equal(data.timeout_secs, 60);
  assert.equal(await code(phone_number), '48151623');
  const yes = await client.verifications.actions.verify(data.id, { code: '48151623' });
  assert.equal(yes.data.response_code, 'accepted');
});

test('refusals arrive as the package\'s own errors', async () => {
  const start = (phone_number, profile = verify_profile_id) =>
    client.verifications.triggerSMS({ phone_number, verify_profile_id: profile });
  await assert.rejects(start('3035551234'), Telnyx.UnprocessableEntityError);
  await assert.rejects(start('+442071838750'), Telnyx.BadRequestError);
  await assert.rejects(start('+13035551204', '00000000-0000-4000-8000-000000000000'), Telnyx.NotFoundError);
  await assert.rejects(client.verifications.retrieve('00000000-0000-7000-8000-000000000000'), Telnyx.NotFoundError);
  await assert.rejects(
    client.verifications.triggerCall({ phone_number: '+13035551204', verify_profile_id }),
    Telnyx.PermissionDeniedError,
  );
  const stranger = new Telnyx({ apiKey: 'KEYwrong' });
  await assert.rejects(stranger.verifications.triggerSMS({ phone_number: '+13035551204', verify_profile_id }), Telnyx.AuthenticationError);
});

test('two equal starts at once are one verification and one message', async () => {
  const phone_number = '+13035551205';
  const all = await Promise.all(Array.from({ length: 8 }, () =>
    client.verifications.triggerSMS({ phone_number, verify_profile_id })));
  assert.equal(new Set(all.map((a) => a.data.id)).size, 1);
  const right = await code(phone_number);
  const answers = await Promise.all(all.map((a) => client.verifications.actions.verify(a.data.id, { code: right })));
  assert.equal(answers.filter((a) => a.data.response_code === 'accepted').length, 1);
  const list = await (await fetch(`${inbox}?to=${encodeURIComponent(phone_number)}`)).json();
  assert.equal(list.data.length, 1);
});
