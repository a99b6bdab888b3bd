// The short sum that a browser does where many codes are asked for: a number whose SHA-256
// with the challenge begins with so many zero bits. SHA-256 (FIPS 180-4) is written out
// because the browser's own answers later, and only on https.
"use strict";

const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
const begin = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
const round = primes.map((p) => fraction(Math.cbrt(p)));
const turn = (x, by) => (x >>> by) | (x << (32 - by));

// sha256 hashes ASCII text and gives the first 32 bits, which is as many as are needed.
function sha256(text) {
	const words = new Int32Array((((text.length + 8) >> 6) + 1) * 16);
	for (let i = 0; i < text.length; i++) words[i >> 2] |= text.charCodeAt(i) << (24 - (i % 4) * 8);
	words[text.length >> 2] |= 0x80 << (24 - (text.length % 4) * 8);
	words[words.length - 1] = text.length * 8;
	let sum = begin;
	const w = new Int32Array(64);
	for (let at = 0; at < words.length; at += 16) {
		let [a, b, c, d, e, f, g, h] = sum;
		for (let i = 0; i < 64; i++) {
			if (i < 16) w[i] = words[at + i];
			else {
				const x = w[i - 15], y = w[i - 2];
				w[i] = w[i - 16] + w[i - 7] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
			}
			const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + round[i] + w[i]) | 0;
			const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
			[h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
		}
		sum = [a, b, c, d, e, f, g, h].map((x, i) => (x + sum[i]) | 0);
	}
	return sum[0];
}

function found(challenge, n, bits) {
	return Math.clz32(sha256(challenge + ":" + n)) >= bits;
}

const sum = document.querySelector("form[data-work]");
if (sum) {
	const { work, bits } = sum.dataset;
	const progress = sum.querySelector("progress");
	const button = sum.querySelector("button");
	button.hidden = true;
	progress.hidden = false;
	let n = 0;
	// In slices, so that the page stays alive. How long it takes is chance: the bar shows how
	// many of such sums would be done by now.
	const slice = () => {
		for (const end = performance.now() + 12; performance.now() < end; n++) {
			if (!found(work, n, bits)) continue;
			sum.elements.nonce.value = n;
			sum.requestSubmit();
			return;
		}
		progress.value = 100 * (1 - Math.exp(-n / 2 ** bits));
		setTimeout(slice);
	};
	slice();
}
