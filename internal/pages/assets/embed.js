// Countersign for a page of yours: opens a session in a window of its own and hands you
// what the person comes back with. See docs/embedding.md.
//
//	const { session_id, state, proof } = await Countersign.open(url);
"use strict";

var Countersign = {
	// open is to be called while a click is being dealt with, or the browser blocks the
	// window; then the person goes to the session in this one, and comes back to its
	// return_url, unless fallback is false. It rejects with an Error whose reason is
	// "blocked", "closed" or "canceled".
	open(url, { width = 440, height = 720, fallback = true } = {}) {
		const { origin } = new URL(url);
		const left = window.screenX + (window.outerWidth - width) / 2;
		const top = window.screenY + (window.outerHeight - height) / 2;
		const shown = window.open(url, "countersign", `popup,width=${width},height=${height},left=${left},top=${top}`);
		return new Promise((resolve, reject) => {
			const fail = (reason, text) => reject(Object.assign(new Error(text), { reason }));
			if (!shown) {
				if (!fallback) return fail("blocked", "The browser kept the window from opening.");
				return location.assign(url);
			}
			const end = () => {
				clearInterval(watch);
				removeEventListener("message", hear);
			};
			const hear = (event) => {
				if (event.origin !== origin || event.source !== shown || event.data?.type !== "countersign") return;
				end();
				shown.close();
				const { session_id, state, proof, error } = event.data;
				if (error) fail(error, "The person gave up.");
				else resolve({ session_id, state, proof });
			};
			let closed = 0; // what was said before the window closed may come a moment later
			const watch = setInterval(() => {
				if (!shown.closed || ++closed < 3) return;
				end();
				fail("closed", 'The window was closed, or its session was not made with display "popup".');
			}, 400);
			addEventListener("message", hear);
		});
	},
};
