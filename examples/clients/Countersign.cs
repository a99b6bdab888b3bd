// C#, package Twilio: sends Verify's requests to Countersign.
using System;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;

public class Countersign : DelegatingHandler {
    private readonly Uri to;

    public Countersign(Uri to) : base(new HttpClientHandler { AllowAutoRedirect = false }) => this.to = to;

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel) {
        if (request.RequestUri.Host == "verify.twilio.com") request.RequestUri = new Uri(to, request.RequestUri.PathAndQuery);
        return base.SendAsync(request, cancel);
    }
}
