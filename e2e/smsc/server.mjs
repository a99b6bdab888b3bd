// A message centre made of the npm package smpp, which knows nothing of our code. It
// writes what it got to standard output, a line of JSON each, and does what it is told
// by lines on standard input: see behave.
import readline from "node:readline";
import smpp from "smpp";

const SYSTEM_ID = process.env.SMSC_SYSTEM_ID;
const PASSWORD = process.env.SMSC_PASSWORD;

// behave is how the next texts are treated.
let behave = { status: 0, silent: false, hangUp: false, receipts: [], decimal: false, takeLeave: false };
let next = 0x10f0;
const sessions = new Set();

const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");

function bound(session, kind, pdu) {
  const right = pdu.system_id === SYSTEM_ID && pdu.password === PASSWORD;
  tell({ event: "bind", kind, right, system_type: pdu.system_type, version: pdu.interface_version });
  session.send(pdu.response(right ? { system_id: "centre" } : { command_status: smpp.ESME_RINVPASWD }));
  if (right) sessions.add(session);
}

// heard is a text as the package reads it.
function heard(session, pdu) {
  const message = pdu.short_message;
  tell({
    event: "submit",
    from: pdu.source_addr, from_ton: pdu.source_addr_ton, from_npi: pdu.source_addr_npi,
    to: pdu.destination_addr, to_ton: pdu.dest_addr_ton, to_npi: pdu.dest_addr_npi,
    coding: pdu.data_coding, class: pdu.esm_class, registered: pdu.registered_delivery,
    validity: pdu.validity_period instanceof Date ? Math.round((pdu.validity_period - Date.now()) / 1000) : 0,
    udh: (message.udh || []).map((u) => u.toString("hex")), text: message.message,
  });
  if (behave.silent) return;
  if (behave.hangUp) return session.destroy();
  if (behave.status) return session.send(pdu.response({ command_status: behave.status }));
  const number = next++;
  const answered = number.toString(16).toUpperCase().padStart(8, "0");
  session.send(pdu.response({ message_id: answered }));
  const named = behave.decimal ? String(number).padStart(10, "0") : answered;
  for (const state of behave.receipts) receipt(session, pdu, named, state);
}

// receipt is one as appendix B of the standard has it.
function receipt(session, pdu, id, state) {
  session.deliver_sm({
    source_addr: pdu.destination_addr, source_addr_ton: 1, source_addr_npi: 1,
    destination_addr: pdu.source_addr, dest_addr_ton: 1, dest_addr_npi: 1,
    esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:${state} err:000 text:hello`,
  }, (answer) => tell({ event: "thanked", status: answer.command_status }));
}

const tls = process.env.SMSC_CERT ? { cert: process.env.SMSC_CERT, key: process.env.SMSC_KEY } : {};

const server = smpp.createServer(tls, (session) => {
  session.on("error", (e) => tell({ event: "error", message: String(e.message) }));
  session.on("close", () => {
    if (sessions.delete(session)) tell({ event: "closed" });
  });
  session.on("bind_transceiver", (pdu) => bound(session, "transceiver", pdu));
  session.on("bind_transmitter", (pdu) => bound(session, "transmitter", pdu));
  session.on("submit_sm", (pdu) => heard(session, pdu));
  session.on("enquire_link", (pdu) => {
    tell({ event: "enquired" });
    session.send(pdu.response());
  });
  session.on("unbind", (pdu) => {
    tell({ event: "unbind" });
    session.send(pdu.response());
    session.close();
  });
  session.on("unknown", (pdu) => tell({ event: "unknown", command: pdu.command_id }));
});

server.listen(0, "127.0.0.1", () => tell({ event: "listening", port: server.address().port }));

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const told = JSON.parse(line);
  behave = { status: 0, silent: false, hangUp: false, receipts: [], decimal: false, ...told };
  for (const session of sessions) {
    if (told.enquire) session.enquire_link((answer) => tell({ event: "answered", status: answer.command_status }));
    if (told.takeLeave) session.unbind((answer) => tell({ event: "left", status: answer.command_status }));
    if (told.kill) session.destroy();
  }
  tell({ event: "ready" });
}).on("close", () => process.exit(0));
