// Shows messages as they come. Without it the page loads itself again instead.
"use strict";

const phone = document.querySelector(".phone");
const list = document.querySelector(".messages");
const empty = document.querySelector(".empty");
const live = document.querySelector(".live");
const blank = document.getElementById("message");

// finish adds what only a script can: the local time and the copy button.
function finish(item) {
	const time = item.querySelector("time");
	const at = new Date(time.dateTime);
	if (!isNaN(at)) time.textContent = at.toLocaleTimeString();
	const code = item.dataset.code;
	const copy = item.querySelector(".copy");
	if (!code || !navigator.clipboard) return;
	copy.hidden = false;
	copy.addEventListener("click", async () => {
		await navigator.clipboard.writeText(code);
		copy.textContent = "Copied";
		setTimeout(() => { copy.textContent = "Copy code"; }, 1500);
	});
}

function show(message) {
	const item = blank.content.firstElementChild.cloneNode(true);
	item.dataset.id = message.id;
	item.dataset.code = message.code;
	item.classList.add(message.channel);
	item.querySelector(".to").textContent = message.to;
	item.querySelector(".channel").textContent = message.channel;
	item.querySelector("time").dateTime = message.created_at;
	for (const part of ["subject", "keys"]) {
		const place = item.querySelector("." + part);
		place.hidden = !message[part];
		(place.querySelector("kbd") ?? place).textContent = message[part] ?? "";
	}
	const bubble = item.querySelector(".text");
	const at = message.code ? message.text.indexOf(message.code) : -1;
	if (at < 0) {
		bubble.textContent = message.text;
	} else {
		const mark = document.createElement("mark");
		mark.textContent = message.code;
		bubble.append(message.text.slice(0, at), mark, message.text.slice(at + message.code.length));
	}
	finish(item);
	item.classList.add("new");
	list.prepend(item);
	empty.hidden = true;
}

function tell(text, on) {
	if (live.textContent !== text) live.textContent = text; // said again only where it changes
	live.classList.toggle("off", !on);
}

// follow asks for the next message for ever, and less often while nobody answers.
async function follow() {
	let after = phone.dataset.last, rest = 0;
	for (;;) {
		try {
			const query = new URLSearchParams({ to: phone.dataset.to, after });
			const answer = await fetch("/dev/messages/wait?" + query);
			if (answer.status === 200) {
				const message = await answer.json();
				after = message.id;
				show(message);
			} else if (answer.status !== 204) {
				throw new Error(answer.status);
			}
			rest = 0;
			tell("Live", true);
		} catch {
			tell("Waiting for the server", false);
			rest = Math.min(rest + 1000, 5000);
			await new Promise((done) => setTimeout(done, rest));
		}
	}
}

for (const item of list.children) finish(item);
if (!("off" in phone.dataset)) {
	tell("Live", true);
	follow();
}
