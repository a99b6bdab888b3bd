// One verification, two dialects: what npm's twilio starts, npm's telnyx reads and
// checks, and the other way round.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { code, refused, serviceSid, verify, wrong } from '../twilio/client.mjs';

const { default: Telnyx } = createRequire(new URL('../telnyx/package.json', import.meta.url))('telnyx');
const telnyx = new Telnyx();
const verify_profile_id = process.env.COUNTERSIGN_PROFILE;
const service = verify.services(serviceSid);

const hex = (id) => id.replaceAll('-', '');
const uuid = (sid) => sid.slice(2).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

test('started with Twilio, read and verified with Telnyx', async () => {
  const to = '+13035556001';
  const { sid } = await service.verifications.create({ to, channel: 'sms' });
  const { data: read } = await telnyx.verifications.retrieve(uuid(sid));
  assert.deepEqual([read.phone_number, read.status, read.type, read.verify_profile_id], [to, 'pending', 'sms', verify_profile_id]);
  const listed = await telnyx.verifications.byPhoneNumber.list(to);
  assert.deepEqual(listed.data.map((v) => v.id), [uuid(sid)]);

  const right = await code(to);
  const no = await telnyx.verifications.actions.verify(uuid(sid), { code: wrong(right) });
  assert.equal(no.data.response_code, 'rejected');
  const yes = await telnyx.verifications.byPhoneNumber.actions.verify(to, { code: right, verify_profile_id });
  assert.equal(yes.data.response_code, 'accepted');
  await refused(service.verificationChecks.create({ to, code: right }), 20404, 404);
  const [attempt] = await verify.verificationAttempts.list({ verificationSid: sid });
  assert.equal(attempt.conversionStatus, 'converted');
});

test('started with Telnyx, read and checked with Twilio', async () => {
  const to = '+13035556002';
  const { data: started } = await telnyx.verifications.triggerSMS({ phone_number: to, verify_profile_id });
  const read = await service.verifications(`VE${hex(started.id)}`).fetch();
  assert.deepEqual([read.to, read.status, read.channel, read.sendCodeAttempts.length], [to, 'pending', 'sms', 1]);
  assert.equal((await service.verifications(to).fetch()).sid, read.sid);
  const yes = await service.verificationChecks.create({ to, code: await code(to) });
  assert.deepEqual([yes.status, yes.valid, yes.sid], ['approved', true, read.sid]);
  assert.equal((await telnyx.verifications.retrieve(started.id)).data.status, 'accepted');
});

test('a guess in one dialect counts in the other', async () => {
  const to = '+13035556003';
  const { sid } = await service.verifications.create({ to, channel: 'call' });
  const right = await code(to);
  for (let i = 0; i < 4; i++) {
    await service.verificationChecks.create({ to, code: wrong(right) });
  }
  const fifth = await telnyx.verifications.actions.verify(uuid(sid), { code: wrong(right) });
  assert.equal(fifth.data.response_code, 'rejected');
  await refused(service.verificationChecks.create({ to, code: right }), 60202, 429);
  const late = await telnyx.verifications.actions.verify(uuid(sid), { code: right });
  assert.deepEqual([late.data.response_code, late.data.reason], ['rejected', 'max_attempts_exceeded']);
});

test('canceled with Twilio is invalid with Telnyx', async () => {
  const to = '+13035556004';
  const { data } = await telnyx.verifications.triggerWhatsappVerification({ phone_number: to, verify_profile_id });
  assert.equal((await service.verifications(`VE${hex(data.id)}`).update({ status: 'canceled' })).channel, 'whatsapp');
  assert.equal((await telnyx.verifications.retrieve(data.id)).data.status, 'invalid');
});

test('a service is a verify profile', async () => {
  const made = await verify.services.create({ friendlyName: 'Seen by both' });
  const profile = (await telnyx.verifyProfiles.retrieve(uuid(made.sid))).data;
  assert.equal(profile.name, 'Seen by both');
  const { data: other } = await telnyx.verifyProfiles.create({ name: 'From Telnyx' });
  assert.equal((await verify.services(`VA${hex(other.id)}`).fetch()).friendlyName, 'From Telnyx');
  await verify.services(`VA${hex(other.id)}`).remove();
  await assert.rejects(telnyx.verifyProfiles.retrieve(other.id), Telnyx.NotFoundError);
});
