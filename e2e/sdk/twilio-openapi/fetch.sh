#!/bin/sh
# Fetches Twilio's own OpenAPI documents, which Twilio publishes (MIT) inside its npm
# package @twilio/cli-core, without that package's requirements. The test that reads the
# document knows its SHA-256.
set -eu
cd "$(dirname "$0")"
npm pack --silent @twilio/cli-core@8.3.2 >/dev/null
tar xzf twilio-cli-core-8.3.2.tgz package/LICENSE package/src/services/twilio-api/twilio_verify_v2.json
rm twilio-cli-core-8.3.2.tgz
