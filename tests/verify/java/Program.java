import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Answers the table's questions (tests/verify/test_verify.py) with docs/verify/java. */
public final class Program {
    public static void main(String[] arguments) throws Exception {
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Map<String, Object> given = JSONObjectUtils.parse(input.readLine());
        long refetchAfter = ((Number) given.get("refetch_after")).longValue();
        var keys = new EidVerify.Keys(
                URI.create((String) given.get("jwks_uri")), Duration.ofSeconds(refetchAfter));
        var provider = new EidVerify(
                (String) given.get("issuer"), (String) given.get("client_id"), (String) given.get("alg"), keys);
        Set<String> used = new HashSet<>();
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            Map<String, Object> asked = JSONObjectUtils.parse(line);
            Map<String, Object> answer;
            try {
                answer = Map.of("claims", answer(provider, asked, used));
            } catch (EidVerify.Refused refused) {
                answer = Map.of("refused", refused.reason);
            }
            System.out.println(JSONObjectUtils.toJSONString(answer));
        }
    }

    private static Map<String, Object> answer(
            EidVerify provider, Map<String, Object> asked, Set<String> used) throws Exception {
        if (asked.get("logout_token") instanceof String token) {
            return provider.verifyLogoutToken(token, (jti, seconds) -> used.add(jti) && seconds > 0);
        }
        Map<String, Object> expected = JSONObjectUtils.getJSONObject(asked, "expected");
        var maxAge = (Number) expected.get("max_age");
        return provider.verifyIdToken((String) asked.get("id_token"), new EidVerify.Expected(
                (String) expected.get("nonce"),
                (String) expected.get("min_acr"),
                maxAge == null ? null : maxAge.longValue(),
                (String) expected.get("access_token")));
    }
}
