package vn.example;

import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;
import org.pac4j.core.config.Config;
import org.pac4j.core.http.callback.NoParameterCallbackUrlResolver;
import org.pac4j.core.profile.ProfileManager;
import org.pac4j.jee.context.JEEContext;
import org.pac4j.jee.context.session.JEESessionStore;
import org.pac4j.jee.filter.CallbackFilter;
import org.pac4j.jee.filter.SecurityFilter;
import org.pac4j.oidc.client.OidcClient;
import org.pac4j.oidc.config.OidcConfiguration;
import org.pac4j.oidc.profile.OidcProfile;

/** A portal with pac4j's filters, in Tomcat. */
public class Portal extends HttpServlet {
    public static void main(String[] arguments) throws Exception {
        var tomcat = new Tomcat();
        tomcat.setBaseDir(System.getProperty("java.io.tmpdir"));
        tomcat.setHostname("127.0.0.1");
        tomcat.setPort(Integer.parseInt(System.getenv("PORT")));
        tomcat.getConnector();
        var context = tomcat.addContext("", null);
        var config = eid();
        var callback = new CallbackFilter(config, "/");
        callback.setDefaultClient("eid");
        filter(context, "callback", "/callback", callback);
        filter(context, "security", "/", new SecurityFilter(config, "eid"));
        Tomcat.addServlet(context, "portal", new Portal());
        context.addServletMappingDecoded("/", "portal");
        tomcat.start();
        tomcat.getServer().await();
    }

    private static Config eid() {
        var eid = new OidcConfiguration();
        eid.setDiscoveryURI(System.getenv("EID_ISSUER") + "/.well-known/openid-configuration");
        eid.setClientId(System.getenv("EID_CLIENT_ID"));
        eid.setSecret(System.getenv("EID_CLIENT_SECRET"));
        eid.setScope("openid profile pid age");
        eid.setUseNonce(true);
        var client = new OidcClient(eid);
        client.setName("eid");
        client.setCallbackUrlResolver(new NoParameterCallbackUrlResolver());
        return new Config("http://localhost:" + System.getenv("PORT") + "/callback", client);
    }

    private static void filter(Context context, String name, String path, Filter filter) {
        var definition = new FilterDef();
        definition.setFilterName(name);
        definition.setFilter(filter);
        context.addFilterDef(definition);
        var mapping = new FilterMap();
        mapping.setFilterName(name);
        mapping.addURLPattern(path);
        context.addFilterMap(mapping);
    }

    /** UserInfo's claims are among the profile's attributes; the ID token is kept beside them. */
    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        var context = new JEEContext(request, response);
        var profiles = new ProfileManager(context, new JEESessionStore());
        var citizen = profiles.getProfile(OidcProfile.class).orElseThrow();
        Map<String, Object> userinfo = Map.of(
                "sub", citizen.getId(),
                "name", citizen.getDisplayName(),
                "pid", citizen.getAttribute("pid"),
                "age_over_18", citizen.getAttribute("age_over_18"));
        try {
            var claims = citizen.getIdToken().getJWTClaimsSet().toJSONObject();
            response.setContentType("application/json;charset=utf-8");
            new ObjectMapper()
                    .writeValue(response.getOutputStream(), Map.of("claims", claims, "userinfo", userinfo));
        } catch (java.text.ParseException unreadable) {
            throw new IOException(unreadable);
        }
    }
}
