<?php
// Sends a newsletter to its subscribers: tiki-send_newsletters.php?nlId=N
require_once 'tiki-setup.php';
require_once 'lib/mail/maillib.php';

$asked = "SELECT s.email, n.name FROM tiki_newsletter_subscriptions s JOIN tiki_newsletters n USING (nlId)
    WHERE s.nlId = ? AND s.valid = 'y'";
foreach ($tikilib->query($asked, [(int) ($_GET['nlId'] ?? 0)])->fetchAll() as $subscriber) {
    tiki_mail($tikilib, $prefs, $subscriber['email'], $subscriber['name'], 'What is new');
}
echo 'sent';
