// Shows messages as they come. Without it the page loads itself again instead.
"use strict";

const phone = document.querySelector(".phone");
const list = document.querySelector(".messages");
const empty = document.querySelector(".empty");
const live = document.querySelector(".live");
const blank = document.getElementById("message");

const stepBlank = document.getElementById("step");
const shown = 50; // as many as the server puts on the page

// local writes an instant as the clock on the wall has it.
function local(time, precise) {
	const at = new Date(time.dateTime);
	if (isNaN(at)) return;
	const digits = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
	time.textContent = at.toLocaleTimeString([], precise ? { ...digits, fractionalSecondDigits: 3 } : digits);
}

// finish adds what only a script can: the local times and the copy button.
function finish(item) {
	local(item.querySelector(".meta time"), false);
	for (const time of item.querySelectorAll(".steps time")) local(time, true);
	const copy = item.querySelector(".copy");
	if (!item.dataset.code || !navigator.clipboard) return;
	copy.hidden = false;
	copy.addEventListener("click", async () => {
		await navigator.clipboard.writeText(item.dataset.code);
		copy.textContent = "Copied";
		setTimeout(() => { copy.textContent = "Copy code"; }, 1500);
	});
}

// make builds the item of a message that the page does not have yet.
function make(message) {
	const item = blank.content.firstElementChild.cloneNode(true);
	item.dataset.key = message.message_id ?? "";
	item.dataset.code = message.code;
	item.classList.add(message.channel, "new");
	item.querySelector(".to").textContent = message.to;
	item.querySelector(".channel").textContent = message.channel;
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
	item.querySelector(".meta time").dateTime = message.created_at;
	finish(item);
	return item;
}

// update brings an item up to what is known of its message now.
function update(item, message) {
	item.classList.toggle("away", !message.arrived);
	item.querySelector(".unseen").hidden = message.arrived;
	item.querySelector(".carrier").textContent = message.carrier;
	const time = item.querySelector(".meta time");
	time.dateTime = message.created_at;
	local(time, false);
	const steps = item.querySelector(".steps");
	steps.hidden = !message.steps;
	steps.replaceChildren(...(message.steps ?? []).map((step) => {
		const line = stepBlank.content.firstElementChild.cloneNode(true);
		line.classList.add(step.step);
		line.querySelector(".label").textContent = step.label;
		line.querySelector(".note").textContent = step.note ?? "";
		const at = line.querySelector("time");
		at.dateTime = step.at;
		local(at, true);
		return line;
	}));
}

// show puts a message on the page, or changes it there. One that has arrived only now
// has a new id, and comes first.
function show(message) {
	const known = [...list.children].find((item) =>
		item.dataset.id === message.id || (message.message_id && item.dataset.key === message.message_id));
	const item = known ?? make(message);
	update(item, message);
	if (item.dataset.id !== message.id) {
		item.dataset.id = message.id;
		list.prepend(item);
	}
	while (list.children.length > shown) list.lastElementChild.remove();
	empty.hidden = true;
}

function tell(text, on) {
	if (live.textContent !== text) live.textContent = text; // said again only where it changes
	live.classList.toggle("off", !on);
}

// follow asks for what changes for ever, and less often while nobody answers.
async function follow() {
	let after = phone.dataset.last, rest = 0;
	for (;;) {
		try {
			const query = new URLSearchParams({ to: phone.dataset.to, after });
			const answer = await fetch("/dev/messages/changes?" + query);
			if (answer.status === 200) {
				const news = await answer.json();
				after = news.next;
				news.data.forEach(show);
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
