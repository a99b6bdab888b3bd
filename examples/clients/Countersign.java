// Java, com.twilio.sdk:twilio: sends Verify's requests to Countersign.
import com.twilio.http.NetworkHttpClient;
import com.twilio.http.Request;
import com.twilio.http.Response;

public class Countersign extends NetworkHttpClient {
    private final String base;

    public Countersign(String base) { this.base = base; }

    @Override
    public Response makeRequest(Request r) {
        Request to = new Request(r.getMethod(), r.getUrl().replace("https://verify.twilio.com", base));
        to.setAuth(r.getUsername(), r.getPassword());
        to.setContentType(r.getContentType());
        r.getQueryParams().forEach((name, values) -> values.forEach(value -> to.addQueryParam(name, value)));
        r.getPostParams().forEach((name, values) -> values.forEach(value -> to.addPostParam(name, value)));
        r.getHeaderParams().forEach((name, values) -> values.forEach(value -> to.addHeaderParam(name, value)));
        return super.makeRequest(to);
    }
}
