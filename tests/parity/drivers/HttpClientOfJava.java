// Java's HttpClient as it comes: it offers h2c with its first request.

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.StringJoiner;

public class HttpClientOfJava {
    static final String URL = System.getenv("PARITY_URL");
    static final String MODEL = System.getenv("PARITY_MODEL");
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    static String asked(String name, String model, String key, String more) throws Exception {
        String body = "{\"model\":\"" + model + "\"," + more
            + "\"messages\":[{\"role\":\"user\",\"content\":\"[[" + name + "]] weather?\"}]}";
        HttpRequest request = HttpRequest.newBuilder(URI.create(URL + "/v1/chat/completions"))
            .header("content-type", "application/json")
            .header("authorization", "Bearer " + key)
            .POST(HttpRequest.BodyPublishers.ofString(body)).build();
        HttpResponse<String> answer = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
        boolean isWhole = answer.body().contains("21 degrees") || answer.body().contains("[DONE]");
        String kind = answer.statusCode() < 400 ? "status" : "error";
        return "{\"" + kind + "\":" + answer.statusCode() + ",\"whole\":" + isWhole + "}";
    }

    public static void main(String[] arguments) throws Exception {
        String key = System.getenv("PARITY_KEY");
        StringJoiner told = new StringJoiner(",", "{", "}");
        told.add("\"text\":" + asked("text", MODEL, key, ""));
        told.add("\"text_streamed\":" + asked("text", MODEL, key, "\"stream\":true,"));
        told.add("\"wrong_key\":" + asked("text", MODEL, "sk-wrong", ""));
        told.add("\"unknown_model\":" + asked("text", "no-such-model", key, ""));
        told.add("\"limited\":" + asked("text", System.getenv("PARITY_LIMITED"), key, ""));
        told.add("\"too_long\":" + asked("too_long", MODEL, key, ""));
        System.out.println("PARITY " + told);
    }
}
