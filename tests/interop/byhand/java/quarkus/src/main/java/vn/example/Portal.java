package vn.example;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.quarkus.oidc.IdToken;
import io.quarkus.oidc.UserInfo;
import io.vertx.core.json.JsonObject;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import java.util.Base64;
import org.eclipse.microprofile.jwt.JsonWebToken;

/** A portal with Quarkus: all that it needs is in application.properties. */
@Path("/")
public class Portal {
    @Inject
    @IdToken
    JsonWebToken token;

    @Inject
    UserInfo citizen;

    @GET
    public JsonObject citizen() {
        var claims = new String(Base64.getUrlDecoder().decode(token.getRawToken().split("\\.")[1]), UTF_8);
        return new JsonObject()
                .put("claims", new JsonObject(claims)) // of the token that Quarkus verified
                .put("userinfo", new JsonObject(citizen.getUserInfoString()));
    }
}
