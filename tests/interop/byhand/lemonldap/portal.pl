# LemonLDAP::NG: its portal under /portal/, and at / an application that its handler protects.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON;
use LWP::UserAgent;
use MIME::Base64 qw(decode_base64url);
use Plack::Builder;
use Plack::Runner;

my $url      = "http://localhost:$ENV{PORT}";
my $folder   = tempdir( CLEANUP => 1 );
$ENV{PERL_LWP_SSL_CA_FILE} = $ENV{SSL_CERT_FILE};
my $web      = LWP::UserAgent->new;
my $metadata = fetch("$ENV{EID_ISSUER}/.well-known/openid-configuration");
my %eid      = (
    ConfigurationURI        => "$ENV{EID_ISSUER}/.well-known/openid-configuration",
    ClientID                => $ENV{EID_CLIENT_ID},
    ClientSecret            => $ENV{EID_CLIENT_SECRET},
    TokenEndpointAuthMethod => 'client_secret_basic',
    Scope                   => 'openid profile pid age',
    CheckJWTSignature       => 1,
    UseNonce                => 1,
    StoreIDToken            => 1,
    IDTokenMaxAge           => 30,
    JWKSTimeout             => 3600,
);
my %configuration = (
    cfgNum               => 1,
    cfgDate              => time,
    domain               => 'local',    # which localhost is under, for Python's cookies
    securedCookie        => 0,          # plain HTTP on loopback
    portal               => "$url/portal/",
    trustedDomains       => '*',
    key                  => 'only a test',
    globalStorage        => 'Apache::Session::File',
    globalStorageOptions => { Directory => "$folder/sessions", LockDirectory => "$folder/locks" },
    authentication       => 'OpenIDConnect',
    userDB               => 'Same',
    passwordDB           => 'Null',
    whatToTrace          => 'sub',
    locationRules        => { localhost => { default => 'accept' } },
    oidcOPMetaDataJSON   => { eid => $metadata },
    oidcOPMetaDataJWKS   => { eid => '{"time": 0}' },    # fetched at once, for it is old
    oidcOPMetaDataExportedVars => { eid => { map { $_ => $_ } qw(sub pid name age_over_18) } },
    oidcOPMetaDataOptions =>
      { eid => { map { ( "oidcOPMetaDataOptions$_" => $eid{$_} ) } keys %eid } },
);
mkdir "$folder/$_" for qw(conf sessions locks cache);
put( "$folder/conf/lmConf-1.json", to_json( \%configuration ) );
put( "$folder/lemonldap-ng.ini",   <<"EOF");
[all]
logLevel = warn
[configuration]
type = File
dirName = $folder/conf
localStorage = Cache::FileCache
localStorageOptions = { namespace => 'conf', cache_root => '$folder/cache' }
[portal]
templateDir = /usr/share/lemonldap-ng/portal/templates
EOF
$ENV{LLNG_DEFAULTCONFFILE} = "$folder/lemonldap-ng.ini";

{
    package Application;
    use Mouse;
    extends 'Lemonldap::NG::Handler::PSGI';

    sub handler {
        my ( $self, $request ) = @_;
        my $citizen = $request->userData;
        my $payload = ( split /\./, $citizen->{_oidc_id_token} )[1];
        return $self->sendJSONresponse(
            $request,
            {
                claims   => JSON::from_json( MIME::Base64::decode_base64url($payload) ),
                userinfo => { map { $_ => $citizen->{$_} } qw(sub pid name age_over_18) },
            }
        );
    }
}

require Lemonldap::NG::Portal::Main;
my $portal      = Lemonldap::NG::Portal::Main->run( {} );
my $application = Application->run( { protection => 'authenticate' } );
my $runner      = Plack::Runner->new;
$runner->parse_options( '--env', 'deployment', '--host', '127.0.0.1', '--port', $ENV{PORT} );
$SIG{TERM} = sub { exit };    # so that the folder is deleted
$runner->run( builder { mount '/portal' => $portal; mount '/' => $application } );

sub fetch {
    my $answer = $web->get(shift);
    die $answer->status_line unless $answer->is_success;
    return $answer->decoded_content;
}

sub put {
    my ( $file, $text ) = @_;
    open my $to, '>', $file or die "$file: $!";
    print {$to} $text;
    close $to;
}
