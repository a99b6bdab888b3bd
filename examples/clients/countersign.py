# Python, package twilio: sends Verify's requests to Countersign.
from twilio.http.http_client import TwilioHttpClient

class Countersign(TwilioHttpClient):
    def __init__(self, base, **options):
        super().__init__(**options)
        self.base = base

    def request(self, method, url, *args, **kwargs):
        return super().request(method, url.replace("https://verify.twilio.com", self.base, 1), *args, **kwargs)
