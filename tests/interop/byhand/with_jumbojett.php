<?php
// The sample of docs/libraries.md, for `php -S`: every path begins a login or ends it.
require '/tmp/portal/vendor/autoload.php';

$eid = new Jumbojett\OpenIDConnectClient(getenv('EID_ISSUER'), getenv('EID_CLIENT_ID'), getenv('EID_CLIENT_SECRET'));
$eid->setCertPath(getenv('SSL_CERT_FILE'));
$eid->setRedirectURL('http://localhost:' . getenv('PORT') . '/callback.php');
$eid->setCodeChallengeMethod('S256');
$eid->addScope(['profile', 'pid', 'age']);
$eid->authenticate();
session_regenerate_id(true);
$citizen = $eid->requestUserInfo();
if ($citizen->sub !== $eid->getVerifiedClaims('sub')) {
    exit(http_response_code(502));
}
header('Content-Type: application/json');
echo json_encode(['claims' => $eid->getVerifiedClaims(), 'userinfo' => $citizen]);
