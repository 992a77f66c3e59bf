# OmniAuth with its strategy for OpenID Connect, in Rack. A GET may begin the login here, which a real
# portal leaves to a form with a CSRF token.

require 'json'
require 'omniauth'
require 'omniauth_openid_connect'
require 'rack'
require 'rack/handler/webrick'

portal = "http://localhost:#{ENV.fetch('PORT')}"
OmniAuth.config.allowed_request_methods = %i[get post]
OmniAuth.config.silence_get_warning = true

app = Rack::Builder.new do
  use Rack::Session::Cookie, secret: 'only a test, and long enough for a key, as long as Rack wants it to be'
  use OmniAuth::Builder do
    provider :openid_connect,
             name: :eid,
             issuer: ENV.fetch('EID_ISSUER'),
             discovery: true,
             client_auth_method: :basic,
             scope: %i[openid profile pid age],
             client_options: {
               identifier: ENV.fetch('EID_CLIENT_ID'),
               secret: ENV.fetch('EID_CLIENT_SECRET'),
               redirect_uri: "#{portal}/auth/eid/callback"
             }
  end
  run lambda { |env|
    case env['PATH_INFO']
    when '/auth/eid/callback'
      citizen = env['omniauth.auth']
      claims = JSON.parse(Base64.urlsafe_decode64(citizen.credentials.id_token.split('.')[1]))
      shown = { claims: claims, userinfo: citizen.extra.raw_info }
      [200, { 'Content-Type' => 'application/json' }, [shown.to_json]]
    when '/auth/failure'
      [502, { 'Content-Type' => 'text/plain' }, [env['QUERY_STRING']]]
    else
      [302, { 'Location' => '/auth/eid' }, []]
    end
  }
end

Rack::Handler::WEBrick.run(app, Host: '127.0.0.1', Port: ENV.fetch('PORT').to_i, AccessLog: [])
