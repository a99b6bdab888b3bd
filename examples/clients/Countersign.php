<?php
// PHP 8, package twilio/sdk: sends Verify's requests to Countersign.
use Twilio\Http\{CurlClient, Response};

class Countersign extends CurlClient {
    public function __construct(private string $base, array $options = []) { parent::__construct($options); }

    public function request(string $method, string $url, ...$rest): Response {
        return parent::request($method, str_replace('https://verify.twilio.com', $this->base, $url), ...$rest);
    }
}
