import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.text.ParseException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Verifies the e-ID provider's ID tokens and logout tokens. Copy this file; it needs Java 17 and
 * nimbus-jose-jwt, which Spring Security brings along.
 *
 * <p>ID tokens: OpenID Connect Core 1.0 §3.1.3.7. Logout tokens: Back-Channel Logout 1.0 §2.6.
 */
public final class EidVerify {
    /** Values of {@code acr}, the weakest first. */
    public static final List<String> LEVELS = List.of(
            "urn:vn:eid:level:1", "urn:vn:eid:level:2", "urn:vn:eid:level:3", "urn:vn:eid:level:4");

    private static final String LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout";
    private static final long SKEW = 30; // seconds by which the two clocks may differ

    private final String issuer;
    private final String clientId;
    private final String alg;
    private final Keys keys;

    /** Whose tokens are accepted, and for whom. {@code alg} is your id_token_signed_response_alg. */
    public EidVerify(String issuer, String clientId, String alg, Keys keys) {
        this.issuer = issuer;
        this.clientId = clientId;
        this.alg = alg;
        this.keys = keys;
    }

    /** The token must not be used. The reason is the member at fault; {@code token}: it is malformed. */
    public static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        public final String reason;

        public Refused(String reason) {
            super("the token was refused: " + reason);
            this.reason = reason;
        }
    }

    /** Stores a jti for so many seconds. */
    public interface FirstUse {
        /**
         * Whether it was new: one atomic step that all of your processes share. In Redis:
         * {@code SET jti:… 1 NX EX …}.
         */
        boolean store(String jti, long seconds) throws IOException;
    }

    /**
     * What you asked for. {@code minAcr} is the level you need; {@code maxAge} the max_age you sent,
     * in seconds, or null; {@code accessToken} the one that came beside the ID token, or null.
     */
    public record Expected(String nonce, String minAcr, Long maxAge, String accessToken) {
        public Expected {
            if (nonce == null || nonce.isEmpty() || !LEVELS.contains(minAcr)) {
                throw new IllegalArgumentException("give the nonce that you sent, and one of LEVELS");
            }
        }
    }

    /**
     * The claims of an ID token that answers the login you began.
     *
     * @throws Refused any check failed
     * @throws IOException the provider's keys cannot be fetched
     */
    public Map<String, Object> verifyIdToken(String token, Expected expected) throws Refused, IOException {
        Map<String, Object> claims = verify(token, Set.of("jwt", ""), "sub");
        if (!(claims.get("nonce") instanceof String nonce) || !equal(nonce, expected.nonce())) {
            throw new Refused("nonce");
        }
        if (!(claims.get("acr") instanceof String acr)
                || LEVELS.indexOf(acr) < LEVELS.indexOf(expected.minAcr())) {
            throw new Refused("acr");
        }
        if (expected.maxAge() != null
                && now() - integer(claims, "auth_time") > expected.maxAge() + SKEW) {
            throw new Refused("auth_time");
        }
        if (expected.accessToken() != null && !halfHash(expected.accessToken()).equals(claims.get("at_hash"))) {
            throw new Refused("at_hash");
        }
        return claims;
    }

    /**
     * The claims of a logout token: end your sessions whose ID token had its sid; if it has none,
     * all sessions of its sub.
     *
     * @throws Refused any check failed: answer 400
     * @throws IOException the keys cannot be fetched: answer 503, and the logout comes again
     */
    public Map<String, Object> verifyLogoutToken(String token, FirstUse firstUse) throws Refused, IOException {
        Map<String, Object> claims = verify(token, Set.of("logout+jwt"), "jti");
        if (!(claims.get("events") instanceof Map<?, ?> events)
                || !(events.get(LOGOUT_EVENT) instanceof Map<?, ?>)) {
            throw new Refused("events");
        }
        if (claims.containsKey("nonce")) {
            throw new Refused("nonce");
        }
        Object who = claims.containsKey("sid") ? claims.get("sid") : claims.get("sub");
        if (!(who instanceof String)) {
            throw new Refused("sid");
        }
        long seconds = integer(claims, "exp") - now() + 2 * SKEW;
        if (!firstUse.store((String) claims.get("jti"), seconds)) {
            throw new Refused("jti");
        }
        return claims;
    }

    /** The claims, once signature, type, issuer, audience and times are checked. */
    private Map<String, Object> verify(String token, Set<String> types, String required)
            throws Refused, IOException {
        Map<String, Object> claims = signed(token, types);
        if (!issuer.equals(claims.get("iss"))) {
            throw new Refused("iss");
        }
        // Nobody but you: a token for several could have been given to one of the others.
        Object audience = claims.get("aud");
        if (!clientId.equals(audience) && !List.of(clientId).equals(audience)) {
            throw new Refused("aud");
        }
        if (!clientId.equals(claims.getOrDefault("azp", clientId))) {
            throw new Refused("azp");
        }
        if (integer(claims, "exp") + SKEW <= now()) {
            throw new Refused("exp");
        }
        if (integer(claims, "iat") - SKEW > now()) {
            throw new Refused("iat");
        }
        if (!(claims.get(required) instanceof String text) || text.isEmpty()) {
            throw new Refused(required);
        }
        return claims;
    }

    /** The claims of a token of one of these types that the provider signed. */
    private Map<String, Object> signed(String token, Set<String> types) throws Refused, IOException {
        String[] parts = token.split("\\.", -1);
        if (parts.length != 3) {
            throw new Refused("token");
        }
        Map<String, Object> header = read(parts[0]);
        Map<String, Object> claims = read(parts[1]);
        if (!alg.equals(header.get("alg"))) {
            throw new Refused("alg");
        }
        if (header.containsKey("crit")) {
            throw new Refused("token");
        }
        String type = String.valueOf(header.getOrDefault("typ", "")).toLowerCase(Locale.ROOT);
        if (!types.contains(type.startsWith("application/") ? type.substring(12) : type)) {
            throw new Refused("typ");
        }
        JWK key = keys.find(header.get("kid"), alg);
        byte[] input = (parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII);
        try {
            JWSHeader parsed = new JWSHeader(JWSAlgorithm.parse(alg));
            if (!verifier(key).verify(parsed, input, new Base64URL(parts[2]))) {
                throw new Refused("signature");
            }
        } catch (JOSEException unfit) {
            throw new Refused("signature");
        }
        return claims;
    }

    private static JWSVerifier verifier(JWK key) throws JOSEException, Refused {
        return switch (key.getKeyType().getValue()) {
            case "RSA" -> new RSASSAVerifier(key.toRSAKey());
            case "EC" -> new ECDSAVerifier(key.toECKey());
            default -> throw new Refused("kid");
        };
    }

    private static Map<String, Object> read(String part) throws Refused {
        try {
            Base64URL encoded = new Base64URL(part);
            if (!Base64URL.encode(encoded.decode()).equals(encoded)) {
                throw new Refused("token");
            }
            return JSONObjectUtils.parse(encoded.decodeToString());
        } catch (ParseException malformed) {
            throw new Refused("token");
        }
    }

    private static long integer(Map<String, Object> claims, String name) throws Refused {
        if (claims.get(name) instanceof Number number && number.doubleValue() == number.longValue()) {
            return number.longValue();
        }
        throw new Refused(name);
    }

    /** {@code at_hash} under ES256, RS256 and PS256 (OpenID Connect Core §3.1.3.6). */
    private static String halfHash(String accessToken) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] whole = digest.digest(accessToken.getBytes(StandardCharsets.UTF_8));
            return Base64URL.encode(Arrays.copyOf(whole, 16)).toString();
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static boolean equal(String left, String right) {
        return MessageDigest.isEqual(
                left.getBytes(StandardCharsets.UTF_8), right.getBytes(StandardCharsets.UTF_8));
    }

    private static long now() {
        return System.currentTimeMillis() / 1000;
    }

    /**
     * The provider's public keys, fetched again every ten minutes and for an unknown kid, but for that
     * once in {@code refetchAfter} at most: forged tokens cannot make this program call the provider
     * again and again. Make it once.
     */
    public static final class Keys {
        private static final Duration MAX_AGE = Duration.ofMinutes(10);
        private static final Duration TIMEOUT = Duration.ofSeconds(5);

        private final URI uri;
        private final Duration refetchAfter;
        private final HttpClient http = HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
        private JWKSet known = new JWKSet();
        private Long fetchedAt; // System.nanoTime()
        private Long triedAt;

        public Keys(URI jwksUri) {
            this(jwksUri, Duration.ofSeconds(30));
        }

        public Keys(URI jwksUri, Duration refetchAfter) {
            this.uri = jwksUri;
            this.refetchAfter = refetchAfter;
        }

        synchronized JWK find(Object kid, String alg) throws Refused, IOException {
            if (older(fetchedAt, MAX_AGE)) {
                fetch();
            }
            JWK found = named(kid, alg);
            if (found == null && older(triedAt, refetchAfter)) {
                fetch();
                found = named(kid, alg);
            }
            if (found == null) {
                throw new Refused("kid");
            }
            return found;
        }

        private JWK named(Object kid, String alg) {
            JWK key = kid instanceof String name ? known.getKeyByKeyId(name) : null;
            return key != null && JWSAlgorithm.parse(alg).equals(key.getAlgorithm()) ? key : null;
        }

        private static boolean older(Long at, Duration age) {
            return at == null || System.nanoTime() - at >= age.toNanos();
        }

        private void fetch() throws IOException {
            triedAt = System.nanoTime();
            try {
                HttpRequest request = HttpRequest.newBuilder(uri).timeout(TIMEOUT).build();
                var answer = http.send(request, BodyHandlers.ofString());
                if (answer.statusCode() != 200) {
                    throw new IOException(uri + " answered " + answer.statusCode());
                }
                known = JWKSet.parse(answer.body());
            } catch (ParseException malformed) {
                throw new IOException(uri + " is no JWK set", malformed);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                throw new IOException(interrupted);
            }
            fetchedAt = triedAt;
        }
    }
}
