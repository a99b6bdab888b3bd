# Ruby, gem twilio-ruby: sends Verify's requests to Countersign.
require 'twilio-ruby'

class Countersign < Twilio::HTTP::Client
  def initialize(base) = (super(); @base = base)

  def request(host, port, method, url, *rest)
    super(host, port, method, url.sub('https://verify.twilio.com', @base), *rest)
  end
end
