<?php

// Verify the e-ID provider's ID tokens and logout tokens. Copy this file; it needs PHP 8.1 with
// openssl. ID tokens: OpenID Connect Core 1.0 §3.1.3.7. Logout tokens: Back-Channel Logout §2.6.

declare(strict_types=1);

namespace Eid;

// Values of acr, the weakest first.
const LEVELS = ['urn:vn:eid:level:1', 'urn:vn:eid:level:2', 'urn:vn:eid:level:3', 'urn:vn:eid:level:4'];
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const SKEW = 30; // seconds by which the two clocks may differ

/** The token must not be used. `$reason` names the member at fault, `token` a malformed one. */
final class Refused extends \Exception
{
    public function __construct(public readonly string $reason)
    {
        parent::__construct("the token was refused: $reason");
    }
}

/**
 * The provider's public keys, kept in a file of yours between requests. They are fetched again every
 * ten minutes and for an unknown kid, but for that once in `$refetchAfter` seconds at most: forged
 * tokens cannot make this program call the provider again and again. A plain RuntimeException: the
 * keys cannot be fetched; answer 503.
 */
final class Keys
{
    private const MAX_AGE = 600;

    public function __construct(
        private string $jwksUri,
        private string $file,
        private float $refetchAfter = 30,
    ) {
    }

    /** The key named $kid, for signatures with $alg. */
    public function find(mixed $kid, string $alg): \OpenSSLAsymmetricKey
    {
        $file = fopen($this->file, 'c+');
        if ($file === false || !flock($file, LOCK_EX)) {
            throw new \RuntimeException("cannot open and lock $this->file");
        }
        try {
            $kept = json_decode(stream_get_contents($file) ?: '', true) ?? ['keys' => [], 'fetched' => 0, 'tried' => 0];
            if (microtime(true) - $kept['fetched'] >= self::MAX_AGE) {
                $kept = $this->fetch($file, $kept);
            }
            $found = self::named($kept['keys'], $kid, $alg);
            if ($found === null && microtime(true) - $kept['tried'] >= $this->refetchAfter) {
                $kept = $this->fetch($file, $kept);
                $found = self::named($kept['keys'], $kid, $alg);
            }
        } finally {
            fclose($file);
        }
        return $found === null ? throw new Refused('kid') : public_key($found);
    }

    private static function named(array $keys, mixed $kid, string $alg): ?array
    {
        foreach ($keys as $each) {
            if (is_string($kid) && ($each['kid'] ?? null) === $kid && ($each['alg'] ?? null) === $alg) {
                return $each;
            }
        }
        return null;
    }

    /** @param resource $file */
    private function fetch($file, array $kept): array
    {
        $kept['tried'] = microtime(true);
        $http = ['timeout' => 5, 'follow_location' => 0, 'ignore_errors' => false];
        $body = @file_get_contents($this->jwksUri, false, stream_context_create(['http' => $http]), 0, 1 << 20);
        $answer = json_decode($body ?: '', true);
        if (!is_array($answer['keys'] ?? null)) {
            throw new \RuntimeException("no keys at $this->jwksUri");
        }
        $kept = ['keys' => $answer['keys'], 'fetched' => $kept['tried'], 'tried' => $kept['tried']];
        rewind($file);
        ftruncate($file, 0);
        fwrite($file, json_encode($kept, JSON_THROW_ON_ERROR));
        return $kept;
    }
}

/** Whose tokens are accepted, and for whom. `$alg` is your id_token_signed_response_alg: RS256 or ES256. */
final class Provider
{
    public function __construct(
        public readonly string $issuer,
        public readonly string $clientId,
        public readonly Keys $keys,
        public readonly string $alg = 'RS256',
    ) {
    }
}

/**
 * The claims of an ID token that answers the login you began. `$nonce` is the one you sent, kept in
 * the browser's session; `$minAcr` the level you need; `$maxAge` the max_age you sent, if any, in
 * seconds; `$accessToken` the one that came beside it. Throws Refused.
 */
function verify_id_token(
    Provider $provider,
    string $token,
    string $nonce,
    string $minAcr = LEVELS[0],
    ?int $maxAge = null,
    ?string $accessToken = null,
): array {
    $lowest = array_search($minAcr, LEVELS, true);
    if ($nonce === '' || $lowest === false) {
        throw new \ValueError('give the nonce that you sent, and a level of Eid\LEVELS');
    }
    $claims = verify($provider, $token, ['jwt', ''], 'sub');
    if (!is_string($claims['nonce'] ?? null) || !hash_equals($nonce, $claims['nonce'])) {
        throw new Refused('nonce');
    }
    if (!in_array($claims['acr'] ?? null, array_slice(LEVELS, $lowest), true)) {
        throw new Refused('acr');
    }
    $authTime = $claims['auth_time'] ?? null;
    if ($maxAge !== null && (!is_int($authTime) || time() - $authTime > $maxAge + SKEW)) {
        throw new Refused('auth_time');
    }
    if ($accessToken !== null && ($claims['at_hash'] ?? null) !== half_hash($accessToken)) {
        throw new Refused('at_hash');
    }
    return $claims;
}

/**
 * The claims of a logout token. End your sessions whose ID token had its sid; if it has none, all
 * sessions of its sub. `$firstUse($jti, $seconds)` stores the jti for that time and returns whether
 * it was new, in one atomic step that all of your processes share: in Redis
 * `(bool) $redis->set("jti:$jti", 1, ['nx', 'ex' => $seconds])`. Throws Refused: answer 400.
 */
function verify_logout_token(Provider $provider, string $token, callable $firstUse): array
{
    $claims = verify($provider, $token, ['logout+jwt'], 'jti');
    $event = is_array($claims['events'] ?? null) ? $claims['events'][LOGOUT_EVENT] ?? null : null;
    // An empty object and an empty array look alike here: decoded, both are [].
    if (!is_array($event) || ($event !== [] && array_is_list($event))) {
        throw new Refused('events');
    }
    if (array_key_exists('nonce', $claims)) {
        throw new Refused('nonce');
    }
    if (!is_string(array_key_exists('sid', $claims) ? $claims['sid'] : $claims['sub'] ?? null)) {
        throw new Refused('sid');
    }
    if (!$firstUse($claims['jti'], $claims['exp'] - time() + 2 * SKEW)) {
        throw new Refused('jti');
    }
    return $claims;
}

/** The claims, once signature, type, issuer, audience and times are checked. */
function verify(Provider $provider, string $token, array $types, string $required): array
{
    $claims = signed($provider, $token, $types);
    if (($claims['iss'] ?? null) !== $provider->issuer) {
        throw new Refused('iss');
    }
    // Nobody but you: a token for several could have been given to one of the others.
    if (!in_array($claims['aud'] ?? null, [$provider->clientId, [$provider->clientId]], true)) {
        throw new Refused('aud');
    }
    if (($claims['azp'] ?? $provider->clientId) !== $provider->clientId) {
        throw new Refused('azp');
    }
    if (!is_int($claims['exp'] ?? null) || $claims['exp'] + SKEW <= time()) {
        throw new Refused('exp');
    }
    if (!is_int($claims['iat'] ?? null) || $claims['iat'] - SKEW > time()) {
        throw new Refused('iat');
    }
    if (!is_string($claims[$required] ?? null) || $claims[$required] === '') {
        throw new Refused($required);
    }
    return $claims;
}

/** The claims of a token of one of these types that the provider signed. */
function signed(Provider $provider, string $token, array $types): array
{
    $parts = explode('.', $token);
    if (count($parts) !== 3) {
        throw new Refused('token');
    }
    [$header, $claims] = [read($parts[0]), read($parts[1])];
    $signature = base64url_decode($parts[2]);
    if (($header['alg'] ?? null) !== $provider->alg) {
        throw new Refused('alg');
    }
    if (array_key_exists('crit', $header)) {
        throw new Refused('token');
    }
    $type = $header['typ'] ?? '';
    $type = is_string($type) ? preg_replace('~^application/~', '', strtolower($type)) : null;
    if (!in_array($type, $types, true)) {
        throw new Refused('typ');
    }
    $key = $provider->keys->find($header['kid'] ?? null, $provider->alg);
    if ($provider->alg === 'ES256') {
        $signature = strlen($signature) === 64 ? ecdsa_der($signature) : '';
    }
    if (openssl_verify("$parts[0].$parts[1]", $signature, $key, OPENSSL_ALGO_SHA256) !== 1) {
        throw new Refused('signature');
    }
    return $claims;
}

function read(string $part): array
{
    $text = base64url_decode($part);
    $found = json_decode($text, true, 16);
    return is_array($found) && str_starts_with(ltrim($text), '{') ? $found : throw new Refused('token');
}

function base64url_decode(string $text): string
{
    $octets = preg_match('/^[A-Za-z0-9_-]*$/D', $text) ? base64_decode(strtr($text, '-_', '+/'), true) : false;
    return is_string($octets) && base64url_encode($octets) === $text ? $octets : throw new Refused('token');
}

function base64url_encode(string $octets): string
{
    return rtrim(strtr(base64_encode($octets), '+/', '-_'), '=');
}

/** `at_hash` under ES256 and RS256 (OpenID Connect Core §3.1.3.6). */
function half_hash(string $accessToken): string
{
    return base64url_encode(substr(hash('sha256', $accessToken, true), 0, 16));
}

/** A JWK as openssl wants it: a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in PEM. */
function public_key(array $jwk): \OpenSSLAsymmetricKey
{
    if (($jwk['kty'] ?? null) === 'RSA') {
        $key = der(0x30, der_integer(base64url_decode($jwk['n'])) . der_integer(base64url_decode($jwk['e'])));
        $algorithm = hex2bin('06092a864886f70d0101010500'); // rsaEncryption, NULL
    } elseif (($jwk['kty'] ?? null) === 'EC' && ($jwk['crv'] ?? null) === 'P-256') {
        $key = "\x04" . base64url_decode($jwk['x']) . base64url_decode($jwk['y']);
        $algorithm = hex2bin('06072a8648ce3d020106082a8648ce3d030107'); // ecPublicKey, P-256
    } else {
        throw new Refused('kid');
    }
    $spki = der(0x30, der(0x30, $algorithm) . der(0x03, "\0$key"));
    $pem = "-----BEGIN PUBLIC KEY-----\n" . chunk_split(base64_encode($spki), 64, "\n") . "-----END PUBLIC KEY-----\n";
    return openssl_pkey_get_public($pem) ?: throw new Refused('kid');
}

/** The signature of RFC 7518 §3.4, two numbers side by side, as the Ecdsa-Sig-Value of RFC 3279. */
function ecdsa_der(string $signature): string
{
    return der(0x30, der_integer(substr($signature, 0, 32)) . der_integer(substr($signature, 32)));
}

function der_integer(string $octets): string
{
    $octets = ltrim($octets, "\0");
    return der(0x02, $octets === '' || ord($octets[0]) > 127 ? "\0$octets" : $octets);
}

function der(int $tag, string $value): string
{
    $length = strlen($value);
    $long = ltrim(pack('N', $length), "\0");
    return chr($tag) . ($length < 128 ? chr($length) : chr(0x80 | strlen($long)) . $long) . $value;
}
