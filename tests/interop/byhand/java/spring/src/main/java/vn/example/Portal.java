package vn.example;

import static org.springframework.security.config.Customizer.withDefaults;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** The portal of docs/libraries.md, with Spring Boot. */
@SpringBootApplication
@RestController
public class Portal {
    public static void main(String[] arguments) {
        SpringApplication.run(Portal.class, arguments);
    }

    @Bean
    SecurityFilterChain login(HttpSecurity http) throws Exception {
        return http
                .authorizeHttpRequests(all -> all.anyRequest().authenticated())
                .oauth2Login(withDefaults())
                .oidcLogout(logout -> logout.backChannel(withDefaults()))
                .build();
    }

    /** PKCE for a client with a secret: version 7 does it of itself. */
    @Bean
    OAuth2AuthorizationRequestResolver pkce(ClientRegistrationRepository clients) {
        var resolver = new DefaultOAuth2AuthorizationRequestResolver(clients, "/oauth2/authorization");
        resolver.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce());
        return resolver;
    }

    @GetMapping("/")
    Map<String, Object> citizen(@AuthenticationPrincipal OidcUser user) {
        return Map.of("claims", user.getIdToken().getClaims(), "userinfo", user.getUserInfo().getClaims());
    }
}
