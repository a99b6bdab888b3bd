// What is shown to people is what was tested.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const lines = (text) => text.slice(text.indexOf('export class'), text.indexOf('\n}\n') + 3);

test('the client in examples/clients is the one that these tests use', () => {
  assert.equal(lines(read('client.mjs')), lines(read('../../../examples/clients/countersign.mjs')));
});
