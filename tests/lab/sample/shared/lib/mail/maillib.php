<?php
// Sends mail the way the preferences say, as Tiki's own library of this name does.

/** Send one mail now; throws when the server does not take it. */
function tiki_send_email(array $prefs, string $to, string $subject, string $text): void
{
    if ($prefs['zend_mail_handler'] === 'smtp') {
        smtp_send($prefs, $to, mail_text($prefs, $to, $subject, $text));
    } elseif ($prefs['zend_mail_handler'] === 'file') {
        $name = 'Mail_' . date('YmdHis') . '_' . mt_rand() . '.eml';
        file_put_contents("temp/$name", mail_text($prefs, $to, $subject, $text));
    } else {
        mail($to, $subject, $text);
    }
}

/** Send one mail, or queue it where the preferences say so. */
function tiki_mail(TikiLib $tikilib, array $prefs, string $to, string $subject, string $text): void
{
    if ($prefs['zend_mail_handler'] === 'smtp' && $prefs['zend_mail_queue'] === 'y') {
        $message = json_encode([$to, $subject, $text]);
        $tikilib->query('INSERT INTO tiki_mail_queue (message) VALUES (?)', [$message]);
    } else {
        tiki_send_email($prefs, $to, $subject, $text);
    }
}

/** Send what waits in the queue, and remove it; what is no mail of ours stays. */
function send_mail_queue(TikiLib $tikilib, array $prefs): int
{
    $sent = 0;
    foreach ($tikilib->query('SELECT messageId, message FROM tiki_mail_queue')->fetchAll() as $row) {
        if (is_array($mail = json_decode($row['message'], true))) {
            tiki_send_email($prefs, ...$mail);
            $tikilib->query('DELETE FROM tiki_mail_queue WHERE messageId = ?', [$row['messageId']]);
            $sent++;
        }
    }
    return $sent;
}

function mail_text(array $prefs, string $to, string $subject, string $text): string
{
    return "From: {$prefs['sender_email']}\r\nTo: $to\r\nSubject: $subject\r\n\r\n$text\r\n";
}

function smtp_send(array $prefs, string $to, string $text): void
{
    $server = @fsockopen($prefs['zend_mail_smtp_server'], (int) $prefs['zend_mail_smtp_port'], $code, $reason, 5);
    if (! $server) {
        throw new RuntimeException("{$prefs['zend_mail_smtp_server']}: $reason");
    }
    $lines = [null, 'HELO localhost', "MAIL FROM:<{$prefs['sender_email']}>", "RCPT TO:<$to>", 'DATA', "$text\r\n.", 'QUIT'];
    foreach ($lines as $line) {
        if ($line !== null) {
            fwrite($server, "$line\r\n");
        }
        if (! preg_match('/^[23]/', $answer = (string) fgets($server))) {
            throw new RuntimeException("{$prefs['zend_mail_smtp_server']}: $answer");
        }
    }
    fclose($server);
}
