<?php

// Answers the table's questions (tests/verify/test_verify.py) with docs/verify/php.

declare(strict_types=1);

require __DIR__ . '/../../../docs/verify/php/eid_verify.php';

$given = json_decode(fgets(STDIN), true);
$file = tempnam(sys_get_temp_dir(), 'eid-keys-');
register_shutdown_function(fn () => unlink($file));
$keys = new Eid\Keys($given['jwks_uri'], $file, $given['refetch_after']);
$provider = new Eid\Provider($given['issuer'], $given['client_id'], $keys, $given['alg']);
$used = [];
$firstUse = function (string $jti, int $seconds) use (&$used): bool {
    $new = !isset($used[$jti]) && $seconds > 0;
    $used[$jti] = true;
    return $new;
};
while (($line = fgets(STDIN)) !== false) {
    $asked = json_decode($line, true);
    try {
        if (isset($asked['logout_token'])) {
            $claims = Eid\verify_logout_token($provider, $asked['logout_token'], $firstUse);
        } else {
            $expected = $asked['expected'];
            $claims = Eid\verify_id_token(
                $provider,
                $asked['id_token'],
                $expected['nonce'],
                $expected['min_acr'],
                $expected['max_age'] ?? null,
                $expected['access_token'] ?? null,
            );
        }
        $answer = ['claims' => $claims];
    } catch (Eid\Refused $refused) {
        $answer = ['refused' => $refused->reason];
    }
    fwrite(STDOUT, json_encode($answer) . "\n");
}
