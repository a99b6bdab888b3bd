// Small comforts. Every page does its work without them.
"use strict";

// What went wrong is read out first.
document.getElementById("summary")?.focus();

// A second press while the first is on its way is dropped. The server would
// answer it like the first, so nothing depends on this.
for (const form of document.forms) {
	form.addEventListener("submit", (event) => {
		if (form.dataset.sent) {
			event.preventDefault();
			return;
		}
		form.dataset.sent = "yes";
		form.querySelector("button")?.setAttribute("aria-disabled", "true");
		setTimeout(() => release(form), 5000);
	});
}
addEventListener("pageshow", () => {
	for (const form of document.forms) release(form);
});
function release(form) {
	delete form.dataset.sent;
	form.querySelector("button")?.removeAttribute("aria-disabled");
}

// The button counts down to the next message. It can be pressed all the while:
// the server says how long to wait. The ticking is for eyes only; whoever listens
// hears one sentence at the end.
const resend = document.querySelector("[data-wait]");
if (resend) {
	const until = performance.now() + resend.dataset.wait * 1000;
	const ticking = document.createElement("span");
	ticking.setAttribute("aria-hidden", "true");
	resend.append(" ", ticking);
	const spoken = document.querySelector("[data-wait-text]");
	spoken?.classList.add("unseen"); // it says once what the button shows from now on
	const tick = () => {
		const left = Math.ceil((until - performance.now()) / 1000);
		if (left > 0) {
			ticking.textContent = `(${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")})`;
			return;
		}
		clearInterval(timer);
		ticking.remove();
		spoken?.remove();
		const status = document.querySelector("[data-wait-status]");
		if (status) status.textContent = resend.dataset.ready;
	};
	const timer = setInterval(tick, 1000);
	tick();
}

// WebOTP: the browser asks the person whether this page may have the code. Only
// what came that way is sent without a press; what was typed never is.
const codes = document.querySelector("form[data-code]");
if (codes && "OTPCredential" in window) {
	const ended = new AbortController();
	codes.addEventListener("submit", () => ended.abort());
	navigator.credentials.get({ otp: { transport: ["sms"] }, signal: ended.signal }).then((otp) => {
		if (!otp?.code) return;
		codes.elements.code.value = otp.code;
		codes.requestSubmit();
	}).catch(() => {}); // refused or ended: the person types
}

// How the message fares, for as long as the page is open. If it cannot be delivered, the
// other ways are offered at once.
const live = document.querySelector("[data-live]");
if (live && "EventSource" in window) {
	const source = new EventSource(live.dataset.live);
	source.onmessage = (event) => {
		const news = JSON.parse(event.data);
		live.textContent = news.text;
		live.dataset.state = news.state;
		if (news.other) document.querySelector("[data-others]")?.removeAttribute("hidden");
		if (news.state === "failed" || news.state === "delivered") source.close();
	};
	addEventListener("pagehide", () => source.close());
}
