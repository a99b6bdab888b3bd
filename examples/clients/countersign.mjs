// Node.js, package twilio: sends Verify's requests to Countersign. Run by e2e/sdk/twilio.
import twilio from 'twilio';

export class Countersign extends twilio.RequestClient {
  constructor(base) { super(); this.base = base; }
  request(opts) { return super.request({ ...opts, uri: opts.uri.replace('https://verify.twilio.com', this.base) }); }
}
